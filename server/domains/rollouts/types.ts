import type { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { WorldType } from '../devices/index.ts';

/** How a rollout stands; the last three are its end. */
export const ROLLOUT_STATES = ['running', 'paused', 'completed', 'cancelled', 'aborted'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/** How far a device is, in this order; from `updated` on it is over. */
export const DEVICE_STATES = [
  'queued',
  'initiated',
  'downloading',
  'downloaded',
  'verified',
  'updating',
  'updated',
  'failed',
  'refused',
  'rolled_back',
  'cancelled',
] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

/** What a device says of itself. */
export type ReportedState = Exclude<DeviceState, 'queued' | 'initiated' | 'cancelled'>;

/** Which devices a rollout is for: those that everything here fits. */
export interface RolloutFilter {
  /** Null: all of the tenant's. */
  readonly networkId: NetworkId | null;
  readonly worldType: WorldType | null;
  /** What they say that they run, word for word. */
  readonly firmware: string | null;
  readonly deviceIds: readonly DeviceId[] | null;
  /** Of the network. */
  readonly groupId: string | null;
}

/** How fast a rollout goes, and when it gives up. */
export interface RolloutPace {
  /** Devices at work at the same time. */
  readonly atOnceMax: number;
  readonly perMinuteMax: number;
  /** More than so many percent of those that are over failed, and it stops; */
  readonly failedPercentMax: number;
  /** not before so many are over. */
  readonly failedAfter: number;
  /** A device that says nothing for so long has failed. */
  readonly deviceTimeoutSeconds: number;
}

/** What is asked for. */
export interface RolloutOrder extends RolloutPace {
  readonly releaseId: string;
  readonly filter: RolloutFilter;
  /** Devices may go back to an older version. */
  readonly allowOlder: boolean;
}

export interface Rollout extends RolloutOrder {
  readonly id: string;
  readonly state: RolloutState;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

/** How many devices are how far. */
export type DeviceCounts = Readonly<Record<DeviceState, number>>;

/** A rollout, and how far it is. */
export interface RolloutProgress extends Rollout {
  readonly counts: DeviceCounts;
}

/** A rollout as the server's own work sees it. */
export interface OpenRollout extends RolloutProgress {
  readonly tenantId: TenantId;
  /** Devices that were started in the last minute. */
  readonly startedLately: number;
}

/** A device of a rollout, and the network that it is told in. */
export interface RolloutTarget {
  readonly deviceId: DeviceId;
  readonly networkId: NetworkId;
}

export interface RolloutDevice extends RolloutTarget {
  readonly state: DeviceState;
  readonly errorCode: string | null;
  /** Bytes of the release that it has. */
  readonly byteCount: number;
  readonly changedAtMs: number;
}

/** A rollout as one of its devices sees it. */
export interface DeviceRollout extends RolloutDevice {
  readonly rolloutId: string;
  readonly releaseId: string;
  readonly rolloutState: RolloutState;
  readonly createdAtMs: number;
}

/** What a device reports. */
export interface DeviceReport {
  readonly rolloutId: string;
  readonly state: ReportedState;
  readonly errorCode: AppError['code'] | null;
  readonly byteCount: number;
}

/** What a device is offered. */
export interface UpdateOffered {
  readonly rolloutId: string;
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
  readonly allowOlder: boolean;
}
