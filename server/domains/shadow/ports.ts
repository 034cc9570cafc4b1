import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId, LockId } from '../../kernel/ids.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { OwnedShadow, Report, Shadow, ShadowOwner, State, StateChange } from './types.ts';

/** The devices that an account sees. */
export type DeviceLookup = Pick<DeviceService, 'getDevice'>;
/** The networks that an account sees. */
export type NetworkLookup = Pick<NetworkService, 'getNetwork'>;

/** A token of a lock that guards what is changed. */
export interface ShownLock {
  readonly lockId: LockId;
  readonly token: number;
}

/** A device in a network. */
export type DeviceInNetwork = Pick<ShadowOwner, 'networkId' | 'deviceId'>;

/** Under what a change is made; null: whatever. */
export interface ChangeConditions {
  /** The version of what was wanted before. */
  readonly version: number | null;
  /** It is held to write under this token. */
  readonly lock: ShownLock | null;
}

/** What became of a change. */
export type DesiredOutcome =
  | { readonly ok: true; readonly shadow: Shadow }
  | { readonly ok: false; readonly reason: 'conflict'; readonly version: number }
  | { readonly ok: false; readonly reason: 'too_large' | 'no_room' | 'not_found' };

/** What became of a report. */
export type ReportOutcome =
  | {
      readonly ok: true;
      /** The shadow before and after the transaction of the report. */
      readonly before: Shadow;
      readonly after: Shadow;
    }
  | { readonly ok: false; readonly reason: 'conflict'; readonly version: number }
  | { readonly ok: false; readonly reason: 'too_much' };

/** Where shadows are kept. */
export interface ShadowStore {
  /** Null: nothing was said or wanted of the device in the network, as far as the account sees. */
  find(actor: AccountActor, owner: ShadowOwner): Promise<Shadow | null>;
  /** The same for the device itself. */
  findOwn(owner: ShadowOwner): Promise<Shadow | null>;
  /** Of each of these devices in a network, the shadow where something is wanted. */
  listWanted(devices: readonly DeviceInNetwork[]): Promise<readonly (OwnedShadow | null)[]>;
  /** Changes what is wanted, where the conditions hold. Refuses with `lock_token_stale`. */
  changeDesired(
    actor: AccountActor,
    owner: ShadowOwner,
    change: StateChange,
    conditions: ChangeConditions,
    nowMs: number,
  ): Promise<DesiredOutcome>;
  /** Keeps what devices say, in one transaction; what became of each, in their order. */
  saveReports(reports: readonly Report[], nowMs: number): Promise<readonly ReportOutcome[]>;
  /** Of each of these devices, the shadows with something that it wasn't told by a command. */
  listUntold(deviceIds: readonly DeviceId[]): Promise<readonly (readonly OwnedShadow[])[]>;
  /** The device was told of what is wanted by this version. */
  saveTold(owner: ShadowOwner, version: number): Promise<void>;
}

/** The ways to a device. */
export interface DeviceOutlets {
  /** Publishes what is wanted and not so, for a device that reads it as a retained message. */
  publish(owner: ShadowOwner, version: number, difference: State): Promise<void>;
  /** Tells a device that is connected by Bifrost at this moment; nobody else hears it. */
  tell(owner: ShadowOwner, version: number, difference: State): void;
  /** Sends it as a command that is kept until the device has it. */
  command(owner: ShadowOwner, difference: State): Promise<void>;
  /** True: the device is connected, and says that it takes such commands. */
  takesCommands(deviceId: DeviceId): Promise<boolean>;
}
