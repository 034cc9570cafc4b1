import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { DeviceService } from '../devices/index.ts';
import type { DropNotice } from './types.ts';

/** The devices that an account sees. */
export type DeviceLookup = Pick<DeviceService, 'getDevice'>;

/** Where notices are kept. */
export interface DropStore {
  /** Keeps them, and of each device no more than the last. Returns those whose devices are still in their networks. */
  save(notices: readonly DropNotice[]): Promise<readonly DropNotice[]>;
  /** Those of a device in networks that the actor sees, the last first. */
  list(actor: AccountActor, deviceId: DeviceId): Promise<readonly DropNotice[]>;
}

/** The ways to a device. */
export interface DropOutlets {
  /** Tells a device of publications. */
  publish(notice: DropNotice): Promise<void>;
  /** Tells a device of frames. */
  send(notice: DropNotice): Promise<void>;
}
