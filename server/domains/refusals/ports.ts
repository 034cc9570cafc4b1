import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NotedRefusal, Refusal } from './types.ts';

/** The devices that an account sees. */
export type DeviceLookup = Pick<DeviceService, 'getDevice'>;

/** Where refusals are kept. */
export interface RefusalStore {
  /** Keeps them, and of each device no more than the last. Rejects where a device is gone. */
  save(refusals: readonly NotedRefusal[]): Promise<void>;
  /** Those of a device of the actor's tenant, the last first. */
  list(actor: AccountActor, deviceId: DeviceId): Promise<readonly Refusal[]>;
}
