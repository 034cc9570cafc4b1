import type { DeviceId } from '../../kernel/ids.ts';
import type { PresenceStore } from './ports.ts';
import type { PresenceChange } from './types.ts';

/** What is to be written of who came and went: a device's last change, so that a second of flapping costs one row. */
export class PresenceLog {
  readonly #store: PresenceStore;
  #changes = new Map<DeviceId, PresenceChange>();

  constructor(store: PresenceStore) {
    this.#store = store;
  }

  /** A device came or went. */
  note(change: PresenceChange): void {
    this.#changes.set(change.deviceId, change);
  }

  /** Writes what was noted. What can't be written is written the next time, unless it has changed again. */
  async save(): Promise<void> {
    if (this.#changes.size === 0) return;
    const taken = this.#changes;
    this.#changes = new Map();
    try {
      await this.#store.saveChanges([...taken.values()]);
    } catch (error) {
      for (const [deviceId, change] of taken) {
        if (!this.#changes.has(deviceId)) this.#changes.set(deviceId, change);
      }
      throw error;
    }
  }
}
