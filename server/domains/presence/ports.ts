import type { PresenceChange } from './types.ts';

/** Where it is kept who is connected to which node. */
export interface PresenceStore {
  /** Writes the changes of this node's devices, each device once. */
  saveChanges(changes: readonly PresenceChange[]): Promise<void>;
}
