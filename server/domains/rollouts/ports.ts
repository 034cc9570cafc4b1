import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Random } from '../../kernel/random.ts';
import type { DeviceService } from '../devices/index.ts';
import type { GroupService } from '../groups/index.ts';
import type { ReleaseService } from '../releases/index.ts';
import type {
  DeviceReport,
  DeviceRollout,
  DeviceState,
  OpenRollout,
  Rollout,
  RolloutDevice,
  RolloutProgress,
  RolloutState,
  RolloutTarget,
  UpdateOffered,
} from './types.ts';

/** An update that a device was told of. */
export interface UpdateAtWork {
  readonly tenantId: TenantId;
  readonly releaseId: string;
  readonly state: DeviceState;
  readonly rolloutState: RolloutState;
}

/** Where rollouts are kept. */
export interface RolloutStore {
  /** Takes the oldest that are over away where there would be too many. */
  add(
    actor: AccountActor,
    rollout: Rollout,
    targets: readonly RolloutTarget[],
  ): Promise<'added' | 'limit_reached' | 'release_not_found'>;
  find(actor: AccountActor, rolloutId: string): Promise<RolloutProgress | null>;
  list(
    actor: AccountActor,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<readonly RolloutProgress[]>;
  /** In the order of their ids. `state` null: whatever it is. */
  listDevices(
    actor: AccountActor,
    rolloutId: string,
    filter: { readonly state: DeviceState | null; readonly after: DeviceId | null; readonly limit: number },
  ): Promise<readonly RolloutDevice[]>;
  /** Those that a device is in, the last first. */
  listOfDevice(actor: AccountActor, deviceId: DeviceId): Promise<readonly DeviceRollout[]>;
  /** Devices that weren't told of it yet are cancelled with it. */
  changeState(
    actor: AccountActor,
    rolloutId: string,
    to: 'running' | 'paused' | 'cancelled',
    nowMs: number,
  ): Promise<'changed' | 'state_wrong' | 'not_found'>;

  /** What isn't over, or has devices at work, in the order of ids, behind `after`. */
  readOpen(after: string | null, limit: number, nowMs: number): Promise<readonly OpenRollout[]>;
  /** Null: it is gone. */
  readOne(rolloutId: string, nowMs: number): Promise<OpenRollout | null>;
  /** Gives up devices at work that said nothing since; how many. */
  failSilent(rollout: OpenRollout, silentSinceMs: number, nowMs: number): Promise<number>;
  end(rollout: OpenRollout, state: 'completed' | 'aborted', nowMs: number): Promise<void>;
  readQueued(rollout: OpenRollout, after: DeviceId | null, limit: number): Promise<readonly RolloutTarget[]>;
  /** Starts those that wait and have nothing else at work; gives those that it started. */
  start(
    rollout: OpenRollout,
    targets: readonly RolloutTarget[],
    nowMs: number,
  ): Promise<readonly RolloutTarget[]>;
  /** Devices that said nothing to their offer, which was made before this, or after now: then the clock was set back. */
  readUnanswered(
    rollout: OpenRollout,
    offeredBeforeMs: number,
    nowMs: number,
  ): Promise<readonly RolloutTarget[]>;
  noteOffered(rollout: OpenRollout, deviceIds: readonly DeviceId[], nowMs: number): Promise<void>;
  /** Null: the device isn't part of it. */
  findAtWork(deviceId: DeviceId, rolloutId: string): Promise<UpdateAtWork | null>;
  /** Changes the state of a device that is in one of `before`; false: it isn't. */
  report(
    deviceId: DeviceId,
    report: DeviceReport,
    before: readonly DeviceState[],
    nowMs: number,
  ): Promise<boolean>;
}

/** The way to connected devices. */
export interface UpdateOutlet {
  isOnline(deviceId: DeviceId): boolean;
  offer(target: RolloutTarget, update: UpdateOffered): void;
}

/** What the service needs. */
export interface RolloutDependencies {
  readonly store: RolloutStore;
  readonly releases: Pick<ReleaseService, 'get' | 'readSigned' | 'readContent'>;
  readonly devices: Pick<DeviceService, 'getDevice' | 'listDevices'>;
  readonly groups: Pick<GroupService, 'listMembers'>;
  readonly outlet: UpdateOutlet;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
