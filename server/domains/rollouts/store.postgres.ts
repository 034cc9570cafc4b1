import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import { type JobStatementDependencies, jobStatements } from './job.postgres.ts';
import { DEVICE_ROLLOUTS_MAX, OPEN_ROLLOUTS_MAX, ROLLOUTS_KEPT_MAX } from './limits.ts';
import type { RolloutStore } from './ports.ts';
import {
  type DeviceRolloutRow,
  type DeviceRow,
  type RolloutRow,
  toDevice,
  toDeviceRollout,
  toProgress,
} from './rows.ts';
import type { Rollout, RolloutTarget } from './types.ts';

/** Notes in the audit that the job has ended a rollout. */
export type RolloutEndRecorder = JobStatementDependencies['recordEnd'];

/** Whether a release is being rolled out, asked in a transaction that removes it. */
interface UseLookup {
  isInUse(sql: Sql, tenantId: TenantId, releaseId: string): Promise<boolean>;
}

/** Rollouts in PostgreSQL. What the job changes, it changes only while this node has its lease. */
export function createRolloutStore(
  database: Database,
  job: JobStatementDependencies,
): RolloutStore & UseLookup {
  return { ...tenantStatements(database), ...jobStatements(database, job), isInUse };
}

const isInUse: UseLookup['isInUse'] = async (sql, tenantId, releaseId) => {
  const open = await sql`
    SELECT 1 FROM rollouts WHERE tenant_id = ${tenantId} AND release_id = ${releaseId} AND ended_at IS NULL LIMIT 1`;
  return open.length > 0;
};

function tenantStatements(
  database: Database,
): Pick<RolloutStore, 'add' | 'find' | 'list' | 'listDevices' | 'listOfDevice' | 'changeState'> {
  return {
    add: (actor, rollout, targets) =>
      database.tenant(actor, (sql) => addRollout(sql, actor, rollout, targets)).catch(releaseNotFound),

    find: (actor, rolloutId) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<RolloutRow[]>`
          SELECT *, (SELECT jsonb_object_agg(state, count) FROM (
              SELECT state, count(*) AS count FROM rollout_devices
              WHERE tenant_id = ${actor.tenantId} AND rollout_id = rollouts.id GROUP BY state) AS counted) AS counts
          FROM rollouts WHERE tenant_id = ${actor.tenantId} AND id = ${rolloutId}`;
        return row === undefined ? null : toProgress(row);
      }),

    list: (actor, after, limit) =>
      database.read(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows = await sql<RolloutRow[]>`
          SELECT *, (SELECT jsonb_object_agg(state, count) FROM (
              SELECT state, count(*) AS count FROM rollout_devices
              WHERE tenant_id = ${actor.tenantId} AND rollout_id = rollouts.id GROUP BY state) AS counted) AS counts
          FROM rollouts
          WHERE tenant_id = ${actor.tenantId}
            AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toProgress);
      }),

    listDevices: (actor, rolloutId, { state, after, limit }) =>
      database.read(actor, async (sql) => {
        const rows = await sql<DeviceRow[]>`
          SELECT device_id, network_id, state, error_code, byte_count, changed_at FROM rollout_devices
          WHERE tenant_id = ${actor.tenantId} AND rollout_id = ${rolloutId}
            AND (${state}::text IS NULL OR state = ${state}::text)
            AND (${after}::uuid IS NULL OR device_id > ${after}::uuid)
          ORDER BY device_id LIMIT ${limit}`;
        return rows.map(toDevice);
      }),

    listOfDevice: (actor, deviceId) =>
      database.tenant(actor, async (sql) => {
        const rows = await sql<DeviceRolloutRow[]>`
          SELECT device.device_id, device.network_id, device.state, device.error_code, device.byte_count, device.changed_at,
            rollout.id AS rollout_id, rollout.release_id, rollout.state AS rollout_state, rollout.created_at
          FROM rollout_devices AS device JOIN rollouts AS rollout ON rollout.id = device.rollout_id
          WHERE device.tenant_id = ${actor.tenantId} AND rollout.tenant_id = ${actor.tenantId}
            AND device.device_id = ${deviceId}
          ORDER BY rollout.created_at DESC, rollout.id DESC LIMIT ${DEVICE_ROLLOUTS_MAX}`;
        return rows.map(toDeviceRollout);
      }),

    changeState: (actor, rolloutId, to, nowMs) =>
      database.tenant(actor, (sql) => changeState(sql, actor, { rolloutId, to, nowMs })),
  };
}

async function addRollout(
  sql: Sql,
  { tenantId }: AccountActor,
  rollout: Rollout,
  targets: readonly RolloutTarget[],
): Promise<'added' | 'limit_reached'> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`rollouts:${tenantId}`}, 0))`;
  const [count] = await sql<{ open: bigint }[]>`
    SELECT count(*) AS open FROM rollouts WHERE tenant_id = ${tenantId} AND ended_at IS NULL`;
  if (count === undefined || count.open >= BigInt(OPEN_ROLLOUTS_MAX)) return 'limit_reached';
  await removeOldest(sql, tenantId);
  const createdAt = new Date(rollout.createdAtMs);
  await sql`
    INSERT INTO rollouts (id, tenant_id, release_id, state, filter, allow_older, at_once_max, per_minute_max,
      failed_percent_max, failed_after, device_timeout_seconds, created_at)
    VALUES (${rollout.id}, ${tenantId}, ${rollout.releaseId}, ${rollout.state},
      ${JSON.stringify(rollout.filter)}::text::jsonb, ${rollout.allowOlder}, ${rollout.atOnceMax},
      ${rollout.perMinuteMax}, ${rollout.failedPercentMax}, ${rollout.failedAfter}, ${rollout.deviceTimeoutSeconds},
      ${createdAt})`;
  await sql`
    INSERT INTO rollout_devices (rollout_id, tenant_id, device_id, network_id, state, changed_at)
    SELECT ${rollout.id}, ${tenantId}, device_id, network_id, 'queued', ${createdAt}
    FROM unnest(${targets.map(({ deviceId }) => deviceId)}::uuid[], ${targets.map(({ networkId }) => networkId)}::uuid[])
      AS target (device_id, network_id)`;
  return 'added';
}

/** Makes room for one more. */
async function removeOldest(sql: Sql, tenantId: TenantId): Promise<void> {
  await sql`
    DELETE FROM rollouts WHERE tenant_id = ${tenantId} AND id IN (
      SELECT id FROM rollouts WHERE tenant_id = ${tenantId} AND ended_at IS NOT NULL
      ORDER BY created_at, id
      LIMIT greatest(0, (SELECT count(*) FROM rollouts WHERE tenant_id = ${tenantId}) - ${ROLLOUTS_KEPT_MAX - 1}))`;
}

async function changeState(
  sql: Sql,
  { tenantId }: AccountActor,
  change: {
    readonly rolloutId: string;
    readonly to: 'running' | 'paused' | 'cancelled';
    readonly nowMs: number;
  },
): ReturnType<RolloutStore['changeState']> {
  const { rolloutId, to, nowMs } = change;
  const now = new Date(nowMs);
  const changed = await sql`
    UPDATE rollouts SET state = ${to}, ended_at = ${to === 'cancelled' ? now : null}
    WHERE tenant_id = ${tenantId} AND id = ${rolloutId} AND ended_at IS NULL AND state <> ${to} RETURNING 1`;
  if (changed.length === 0) {
    const found = await sql`SELECT 1 FROM rollouts WHERE tenant_id = ${tenantId} AND id = ${rolloutId}`;
    return found.length > 0 ? 'state_wrong' : 'not_found';
  }
  if (to === 'running') {
    // Nobody asked them again while it was paused: their time begins anew.
    await sql`
      UPDATE rollout_devices SET changed_at = ${now}
      WHERE tenant_id = ${tenantId} AND rollout_id = ${rolloutId} AND state = 'initiated'`;
  }
  if (to === 'cancelled') {
    await sql`
      UPDATE rollout_devices SET state = 'cancelled', changed_at = ${now}
      WHERE tenant_id = ${tenantId} AND rollout_id = ${rolloutId} AND state IN ('queued', 'initiated')`;
  }
  return 'changed';
}

/** The release was removed at this moment. */
function releaseNotFound(error: unknown): 'release_not_found' {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === '23503' && constraint === 'rollouts_of_release') return 'release_not_found';
  throw error;
}
