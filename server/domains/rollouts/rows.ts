import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { NO_DEVICES } from './rules.ts';
import type {
  DeviceCounts,
  DeviceRollout,
  DeviceState,
  OpenRollout,
  RolloutDevice,
  RolloutFilter,
  RolloutProgress,
  RolloutState,
} from './types.ts';

/** A rollout as the database gives it, with its devices counted. */
export interface RolloutRow {
  readonly id: string;
  readonly tenant_id: TenantId;
  readonly release_id: string;
  readonly state: RolloutState;
  readonly filter: RolloutFilter;
  readonly allow_older: boolean;
  readonly at_once_max: number;
  readonly per_minute_max: number;
  readonly failed_percent_max: number;
  readonly failed_after: number;
  readonly device_timeout_seconds: number;
  readonly created_at: Date;
  readonly ended_at: Date | null;
  /** Null: it has no devices any more. */
  readonly counts: Partial<DeviceCounts> | null;
}

/** The same for the job. */
export interface OpenRow extends RolloutRow {
  readonly started_lately: bigint;
}

export interface DeviceRow {
  readonly device_id: DeviceId;
  readonly network_id: NetworkId;
  readonly state: DeviceState;
  readonly error_code: string | null;
  readonly byte_count: bigint;
  readonly changed_at: Date;
}

/** The same with its rollout. */
export interface DeviceRolloutRow extends DeviceRow {
  readonly rollout_id: string;
  readonly release_id: string;
  readonly rollout_state: RolloutState;
  readonly created_at: Date;
}

/** A row as the service takes it. */
export const toProgress = (row: RolloutRow): RolloutProgress => ({
  id: row.id,
  releaseId: row.release_id,
  state: row.state,
  filter: row.filter,
  allowOlder: row.allow_older,
  atOnceMax: row.at_once_max,
  perMinuteMax: row.per_minute_max,
  failedPercentMax: row.failed_percent_max,
  failedAfter: row.failed_after,
  deviceTimeoutSeconds: row.device_timeout_seconds,
  createdAtMs: row.created_at.getTime(),
  endedAtMs: row.ended_at?.getTime() ?? null,
  counts: { ...NO_DEVICES, ...row.counts },
});

/** A row as the job takes it. */
export const toOpen = (row: OpenRow): OpenRollout => ({
  ...toProgress(row),
  tenantId: row.tenant_id,
  startedLately: Number(row.started_lately),
});

/** A row as the service takes it. */
export const toDevice = (row: DeviceRow): RolloutDevice => ({
  deviceId: row.device_id,
  networkId: row.network_id,
  state: row.state,
  errorCode: row.error_code,
  byteCount: Number(row.byte_count),
  changedAtMs: row.changed_at.getTime(),
});

/** A row as the service takes it. */
export const toDeviceRollout = (row: DeviceRolloutRow): DeviceRollout => ({
  ...toDevice(row),
  rolloutId: row.rollout_id,
  releaseId: row.release_id,
  rolloutState: row.rollout_state,
  createdAtMs: row.created_at.getTime(),
});
