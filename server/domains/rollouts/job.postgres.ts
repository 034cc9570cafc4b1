import type { Database, Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { NodeLease } from '../../kernel/lease.ts';
import { MINUTE_MS, QUEUED_TOGETHER } from './limits.ts';
import type { RolloutStore } from './ports.ts';
import { type OpenRow, toOpen } from './rows.ts';
import { AT_WORK } from './rules.ts';
import type { DeviceState, OpenRollout, RolloutState, RolloutTarget } from './types.ts';

interface TargetRow {
  readonly device_id: DeviceId;
  readonly network_id: NetworkId;
}

const toTarget = (row: TargetRow): RolloutTarget => ({ deviceId: row.device_id, networkId: row.network_id });

/** States whose devices go on while their rollout is paused. Who was only told of it is told again when it goes on. */
const WITH_A_PAUSE = AT_WORK.filter((state) => state !== 'initiated');

type JobStatements = Omit<
  RolloutStore,
  'add' | 'find' | 'list' | 'listDevices' | 'listOfDevice' | 'changeState'
>;

/** What the statements of the job need. */
export interface JobStatementDependencies {
  readonly lease: Pick<NodeLease, 'require'>;
  /** Notes in the audit that the job has ended a rollout, in the transaction that ends it. */
  readonly recordEnd: (
    sql: Sql,
    rollout: Pick<OpenRollout, 'id' | 'tenantId'>,
    state: RolloutState,
    nowMs: number,
  ) => Promise<void>;
}

/** The statements of the job, and of what devices say. They span tenants. */
export function jobStatements(
  database: Database,
  { lease, recordEnd }: JobStatementDependencies,
): JobStatements {
  const system = <T>(work: (sql: Sql) => Promise<T>) => database.system('relay', work);
  const asJob = <T>(work: (sql: Sql) => Promise<T>) =>
    system(async (sql) => {
      await lease.require(sql);
      return work(sql);
    });
  return {
    ...readingStatements(system),
    ...changingStatements(asJob, recordEnd),
    ...deviceStatements(system),
  };
}

type InTransaction = <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;

function readingStatements(
  system: InTransaction,
): Pick<JobStatements, 'readOpen' | 'readOne' | 'readQueued' | 'readUnanswered'> {
  return {
    readOpen: (after, limit, nowMs) =>
      system(async (sql) => {
        const rows = await sql<OpenRow[]>`
          SELECT *, (SELECT jsonb_object_agg(state, count) FROM (
              SELECT state, count(*) AS count FROM rollout_devices
              WHERE rollout_id = rollouts.id GROUP BY state) AS counted) AS counts,
            (SELECT count(*) FROM rollout_devices
              WHERE rollout_id = rollouts.id AND started_at > ${new Date(nowMs - MINUTE_MS)}
                AND started_at <= ${new Date(nowMs)}) AS started_lately
          FROM rollouts
          WHERE (ended_at IS NULL
              OR id IN (SELECT rollout_id FROM rollout_devices WHERE state = ANY (${[...AT_WORK]})))
            AND (${after}::uuid IS NULL OR id > ${after}::uuid)
          ORDER BY id LIMIT ${limit}`;
        return rows.map(toOpen);
      }),

    readOne: (rolloutId, nowMs) =>
      system(async (sql) => {
        const [row] = await sql<OpenRow[]>`
          SELECT *, (SELECT jsonb_object_agg(state, count) FROM (
              SELECT state, count(*) AS count FROM rollout_devices
              WHERE rollout_id = rollouts.id GROUP BY state) AS counted) AS counts,
            (SELECT count(*) FROM rollout_devices
              WHERE rollout_id = rollouts.id AND started_at > ${new Date(nowMs - MINUTE_MS)}
                AND started_at <= ${new Date(nowMs)}) AS started_lately
          FROM rollouts WHERE id = ${rolloutId}`;
        return row === undefined ? null : toOpen(row);
      }),

    readQueued: ({ id }, after, limit) =>
      system(async (sql) => {
        const rows = await sql<TargetRow[]>`
          SELECT device_id, network_id FROM rollout_devices
          WHERE rollout_id = ${id} AND state = 'queued' AND (${after}::uuid IS NULL OR device_id > ${after}::uuid)
          ORDER BY device_id LIMIT ${limit}`;
        return rows.map(toTarget);
      }),

    readUnanswered: ({ id }, offeredBeforeMs, nowMs) =>
      system(async (sql) => {
        const rows = await sql<TargetRow[]>`
          SELECT device_id, network_id FROM rollout_devices
          WHERE rollout_id = ${id} AND state = 'initiated'
            AND (offered_at < ${new Date(offeredBeforeMs)} OR offered_at > ${new Date(nowMs)})
          ORDER BY device_id LIMIT ${QUEUED_TOGETHER}`;
        return rows.map(toTarget);
      }),
  };
}

function changingStatements(
  asJob: InTransaction,
  recordEnd: JobStatementDependencies['recordEnd'],
): Pick<JobStatements, 'failSilent' | 'end' | 'start' | 'noteOffered'> {
  return {
    failSilent: ({ id, state }, silentSinceMs, nowMs) =>
      asJob(async (sql) => {
        const states = state === 'paused' ? WITH_A_PAUSE : AT_WORK;
        const failed = await sql`
          UPDATE rollout_devices SET state = 'failed', error_code = 'request_timed_out', changed_at = ${new Date(nowMs)}
          WHERE rollout_id = ${id} AND state = ANY (${[...states]}) AND changed_at < ${new Date(silentSinceMs)}
          RETURNING 1`;
        return failed.length;
      }),

    end: ({ id, tenantId }, state, nowMs) =>
      asJob(async (sql) => {
        const now = new Date(nowMs);
        const ended = await sql`
          UPDATE rollouts SET state = ${state}, ended_at = ${now} WHERE id = ${id} AND state = 'running' RETURNING 1`;
        if (ended.length === 0) return;
        await sql`
          UPDATE rollout_devices SET state = 'cancelled', changed_at = ${now}
          WHERE rollout_id = ${id} AND state IN ('queued', 'initiated')`;
        await recordEnd(sql, { id, tenantId }, state, nowMs);
      }),

    start: ({ id }, targets, nowMs) =>
      asJob(async (sql) => {
        // Held, so that who pauses or cancels it meanwhile comes before this, or after.
        const running = await sql`SELECT 1 FROM rollouts WHERE id = ${id} AND state = 'running' FOR SHARE`;
        if (running.length === 0) return [];
        const now = new Date(nowMs);
        const rows = await sql<TargetRow[]>`
          UPDATE rollout_devices SET state = 'initiated', started_at = ${now}, offered_at = ${now}, changed_at = ${now}
          WHERE rollout_id = ${id} AND state = 'queued'
            AND device_id = ANY (${targets.map(({ deviceId }) => deviceId)}::uuid[])
            AND NOT EXISTS (SELECT FROM rollout_devices AS other
              WHERE other.device_id = rollout_devices.device_id AND other.state = ANY (${[...AT_WORK]}))
          RETURNING device_id, network_id`;
        return rows.map(toTarget);
      }),

    noteOffered: ({ id }, deviceIds, nowMs) =>
      asJob(async (sql) => {
        await sql`
          UPDATE rollout_devices SET offered_at = ${new Date(nowMs)}
          WHERE rollout_id = ${id} AND device_id = ANY (${[...deviceIds]}::uuid[])`;
      }),
  };
}

function deviceStatements(system: InTransaction): Pick<JobStatements, 'findAtWork' | 'report'> {
  return {
    findAtWork: (deviceId, rolloutId) =>
      system(async (sql) => {
        const [row] = await sql<
          { tenant_id: TenantId; release_id: string; state: DeviceState; rollout_state: RolloutState }[]
        >`
          SELECT rollouts.tenant_id, release_id, rollout_devices.state, rollouts.state AS rollout_state
          FROM rollout_devices JOIN rollouts ON rollouts.id = rollout_id
          WHERE rollout_id = ${rolloutId} AND device_id = ${deviceId}`;
        if (row === undefined) return null;
        const { tenant_id: tenantId, release_id: releaseId, state, rollout_state: rolloutState } = row;
        return { tenantId, releaseId, state, rolloutState };
      }),

    report: (deviceId, { rolloutId, state, errorCode, byteCount }, before, nowMs) =>
      system(async (sql) => {
        const moved = await sql`
          UPDATE rollout_devices
          SET state = ${state}, error_code = ${errorCode}, byte_count = greatest(byte_count, ${byteCount}::bigint),
            changed_at = ${new Date(nowMs)}
          WHERE rollout_id = ${rolloutId} AND device_id = ${deviceId} AND state = ANY (${[...before]})
          RETURNING 1`;
        return moved.length > 0;
      }),
  };
}
