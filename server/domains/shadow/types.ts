import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** What can be wanted or said of a device: a switch, a level, a mode. */
export type StateValue = number | boolean | string;

/** A state: values by name. What is inside another is named after the way to it, `air.co2`. */
export type State = Readonly<Record<string, StateValue>>;

/** A change of a state; null takes a name away, and what is inside it. */
export type StateChange = Readonly<Record<string, StateValue | null>>;

/** A device in a network, and who owns the network. */
export interface ShadowOwner {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** One side of a shadow. */
export interface VersionedState {
  readonly state: State;
  /** Counts up with each change, from 0: nothing was said. */
  readonly version: number;
  readonly changedAtMs: number | null;
}

/** What is wanted of a device in a network, and what it says that it is. */
export interface Shadow {
  readonly desired: VersionedState;
  readonly reported: VersionedState;
}

/** A shadow, and whose it is. */
export interface OwnedShadow extends ShadowOwner, Shadow {}

/** What a device says of itself. */
export interface Report extends ShadowOwner {
  readonly change: StateChange;
  /** The version that it knows of what it said before; null: whatever it is. */
  readonly expectedVersion: number | null;
}
