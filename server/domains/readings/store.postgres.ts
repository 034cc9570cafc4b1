import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { withoutDeparted } from '../../kernel/departures.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { condense, inMean, removeBeyond, removeOld, renewParts } from './ageing.postgres.ts';
import { LAST_READINGS_MAX, POINT_BYTES, SERIES_PER_DEVICE_MAX } from './limits.ts';
import type { ReadingStore } from './ports.ts';
import { seriesKey, withoutReplaced } from './rules.ts';
import type { HistoryRange, KeptReading, ReadingPoint, ReadingValue } from './types.ts';

/** Who belongs to a network, asked in a transaction of readings. */
export interface NetworkMembers {
  /** Those of the devices that belong to their networks. */
  selectMembers(
    sql: Sql,
    devices: readonly { readonly networkId: NetworkId; readonly deviceId: DeviceId }[],
  ): Promise<readonly { readonly networkId: NetworkId; readonly deviceId: DeviceId }[]>;
}

/** Readings in PostgreSQL: written by the role that keeps what devices say, read in transactions of who asks. */
export function createReadingStore(database: Database, memberships: NetworkMembers): ReadingStore {
  return {
    save: (readings) =>
      withoutDeparted(() => database.system('relay', (sql) => save(sql, readings, memberships))),
    listLast: (actor, deviceId) => database.tenant(actor, (sql) => listLast(sql, actor, deviceId)),
    listHistory: (actor, deviceId, range) =>
      database.tenant(actor, (sql) => listHistory(sql, actor, deviceId, range)),
    findRetentionDays: (actor) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<{ retention_days: number }[]>`
          SELECT retention_days FROM readings_tenants WHERE tenant_id = ${actor.tenantId}`;
        return row?.retention_days ?? null;
      }),
    saveRetentionDays: (actor, days) =>
      database.tenant(actor, async (sql) => {
        await sql`
          INSERT INTO readings_tenants (tenant_id, retention_days) VALUES (${actor.tenantId}, ${days})
          ON CONFLICT (tenant_id) DO UPDATE SET retention_days = EXCLUDED.retention_days`;
      }),
    renewParts: (nowMs, retentionDays) =>
      database.system('relay', (sql) => renewParts(sql, new Date(nowMs), retentionDays)),
    condense: (beforeMs) => database.system('relay', (sql) => condense(sql, new Date(beforeMs))),
    removeOld: (nowMs, retentionDays) =>
      database.system('relay', (sql) => removeOld(sql, new Date(nowMs), retentionDays)),
    removeBeyond: (networkBytesMax) => database.system('relay', (sql) => removeBeyond(sql, networkBytesMax)),
  };
}

async function save(
  sql: Sql,
  readings: readonly KeptReading[],
  memberships: NetworkMembers,
): Promise<boolean[]> {
  const members = await memberships.selectMembers(sql, readings);
  const isMember = new Set(members.map(({ networkId, deviceId }) => networkId + deviceId));
  const fresh = withoutReplaced(readings).filter(({ networkId, deviceId }) =>
    isMember.has(networkId + deviceId),
  );
  const rows = await sql<{ network_id: NetworkId; device_id: DeviceId; name: string }[]>`
    WITH said AS (
      SELECT network_id, tenant_id, device_id, name, unit, at, number, other::jsonb FROM unnest(
        ${fresh.map(({ networkId }) => networkId)}::uuid[],
        ${fresh.map(({ tenantId }) => tenantId)}::uuid[],
        ${fresh.map(({ deviceId }) => deviceId)}::uuid[],
        ${fresh.map(({ name }) => name)}::text[],
        ${fresh.map(({ unit }) => unit)}::text[],
        ${fresh.map(({ atMs }) => new Date(atMs).toISOString())}::timestamptz[],
        ${fresh.map(({ value }) => (typeof value === 'number' ? value : null))}::float8[],
        ${fresh.map(({ value }) => otherOf(value))}::text[])
        AS said (network_id, tenant_id, device_id, name, unit, at, number, other)
    ), sized AS (
      -- A point that comes again takes the place of the one before.
      SELECT said.*, CASE WHEN point.at IS NULL THEN ${POINT_BYTES} + coalesce(octet_length(said.other::text), 0) ELSE 0 END
        AS new_bytes
      FROM said
        LEFT JOIN readings_series AS old USING (network_id, device_id, name)
        LEFT JOIN readings_points AS point ON point.series_id = old.id AND point.at = said.at
    ), newest AS (
      SELECT DISTINCT ON (network_id, device_id, name) *,
        sum(new_bytes) OVER (PARTITION BY network_id, device_id, name) AS bytes
      FROM sized ORDER BY network_id, device_id, name, at DESC
    ), series AS (
      INSERT INTO readings_series AS known
        (network_id, tenant_id, device_id, name, unit, last_at, last_number, last_other, kept_bytes)
      SELECT network_id, tenant_id, device_id, name, unit, at, number, other, bytes FROM newest
      WHERE EXISTS (SELECT FROM readings_series AS old WHERE old.network_id = newest.network_id
          AND old.device_id = newest.device_id AND old.name = newest.name)
        OR (SELECT count(*) FROM readings_series AS old WHERE old.network_id = newest.network_id
          AND old.device_id = newest.device_id) < ${SERIES_PER_DEVICE_MAX}
      ON CONFLICT (network_id, device_id, name) DO UPDATE SET
        unit = CASE WHEN EXCLUDED.last_at >= known.last_at THEN EXCLUDED.unit ELSE known.unit END,
        last_number = CASE WHEN EXCLUDED.last_at >= known.last_at THEN EXCLUDED.last_number ELSE known.last_number END,
        last_other = CASE WHEN EXCLUDED.last_at >= known.last_at THEN EXCLUDED.last_other ELSE known.last_other END,
        last_at = greatest(EXCLUDED.last_at, known.last_at),
        kept_bytes = known.kept_bytes + EXCLUDED.kept_bytes
      RETURNING id, network_id, tenant_id, device_id, name
    ), points AS (
      INSERT INTO readings_points (series_id, at, network_id, tenant_id, number, other)
      SELECT series.id, said.at, series.network_id, series.tenant_id, said.number, said.other
      FROM said JOIN series USING (network_id, device_id, name)
      ON CONFLICT (series_id, at) DO UPDATE SET number = EXCLUDED.number, other = EXCLUDED.other
    )
    SELECT network_id, device_id, name FROM series`;
  const kept = new Set(
    rows.map((row) => seriesKey({ networkId: row.network_id, deviceId: row.device_id, name: row.name })),
  );
  return readings.map((reading) => kept.has(seriesKey(reading)));
}

/** The readings of a device in a network with their last values, whoever they belong to. */
export function listSeries(
  database: Database,
  networkId: NetworkId,
  deviceId: DeviceId,
): Promise<Pick<ReadingPoint, 'name' | 'unit' | 'value'>[]> {
  return database.system('relay', async (sql) => {
    const rows = await sql<
      { name: string; unit: string; last_number: number | null; last_other: ReadingValue }[]
    >`
      SELECT name, unit, last_number, last_other FROM readings_series
      WHERE network_id = ${networkId} AND device_id = ${deviceId} ORDER BY name`;
    return rows.map((row) => ({ name: row.name, unit: row.unit, value: row.last_number ?? row.last_other }));
  });
}

const otherOf = (value: ReadingValue): string | null =>
  value === null || typeof value === 'number' ? null : JSON.stringify(value);

interface PointRow {
  readonly at: Date;
  readonly number: number | null;
  readonly other: string | null;
}

const readingValue = ({ number, other }: PointRow): ReadingValue =>
  other === null ? number : (JSON.parse(other) as ReadingValue);

async function listLast(sql: Sql, { tenantId }: AccountActor, deviceId: DeviceId): Promise<ReadingPoint[]> {
  const rows = await sql<(PointRow & { name: string; unit: string })[]>`
    SELECT DISTINCT ON (name) name, unit, last_at AS at, last_number AS number, last_other::text AS other
    FROM readings_series WHERE tenant_id = ${tenantId} AND device_id = ${deviceId}
    ORDER BY name, last_at DESC LIMIT ${LAST_READINGS_MAX}`;
  return rows.map((row) => ({
    name: row.name,
    unit: row.unit,
    atMs: row.at.getTime(),
    value: readingValue(row),
  }));
}

async function listHistory(
  sql: Sql,
  { tenantId }: AccountActor,
  deviceId: DeviceId,
  range: HistoryRange,
): Promise<ReadingPoint[]> {
  const { name, step } = range;
  const series = await sql<{ id: bigint; unit: string }[]>`
    SELECT id, unit FROM readings_series
    WHERE tenant_id = ${tenantId} AND device_id = ${deviceId} AND name = ${name} ORDER BY last_at DESC`;
  const [newest] = series;
  if (newest === undefined) return [];
  const seriesIds = series.map(({ id }) => id.toString());
  const read = step === null ? readPoints : step.aggregate === 'last' ? readLastOfSteps : readSteps;
  const rows = await read(sql, tenantId, seriesIds, range);
  return rows.map((row) => ({ name, unit: newest.unit, atMs: row.at.getTime(), value: readingValue(row) }));
}

type PointReader = (
  sql: Sql,
  tenantId: string,
  seriesIds: readonly string[],
  range: HistoryRange,
) => Promise<readonly PointRow[]>;

/** Every value, or what an hour had on average; of those that a device said in two networks at the same time, one. */
const readPoints: PointReader = (sql, tenantId, seriesIds, { fromMs, toMs, limit }) => sql<PointRow[]>`
  SELECT DISTINCT ON (at) at, mean AS number, CASE WHEN mean IS NULL THEN last_other::text END AS other FROM readings_history
  WHERE tenant_id = ${tenantId} AND series_id = ANY(${[...seriesIds]}::bigint[])
    AND at >= ${new Date(fromMs)} AND at < ${new Date(toMs)}
  ORDER BY at, series_id LIMIT ${limit}`;

const readLastOfSteps: PointReader = (sql, tenantId, seriesIds, { fromMs, toMs, step, limit }) => sql<
  PointRow[]
>`
  SELECT bin AS at, number, other FROM (
    SELECT DISTINCT ON (bin) date_bin(${step?.seconds ?? 1} * interval '1 second', at, ${new Date(fromMs)}) AS bin,
      last_number AS number, last_other::text AS other
    FROM readings_history
    WHERE tenant_id = ${tenantId} AND series_id = ANY(${[...seriesIds]}::bigint[])
      AND at >= ${new Date(fromMs)} AND at < ${new Date(toMs)}
    ORDER BY bin, at DESC LIMIT ${limit}) AS steps`;

const readSteps: PointReader = (sql, tenantId, seriesIds, { fromMs, toMs, step, limit }) => sql<PointRow[]>`
  SELECT date_bin(${step?.seconds ?? 1} * interval '1 second', at, ${new Date(fromMs)}) AS at,
    CASE ${step?.aggregate ?? 'mean'}::text WHEN 'min' THEN min(minimum) WHEN 'max' THEN max(maximum)
      ELSE sum(${inMean(sql, 'mean')} * numbers) / sum(numbers) END AS number,
    NULL AS other
  FROM readings_history
  WHERE tenant_id = ${tenantId} AND series_id = ANY(${[...seriesIds]}::bigint[]) AND numbers > 0
    AND at >= ${new Date(fromMs)} AND at < ${new Date(toMs)}
  GROUP BY 1 ORDER BY 1 LIMIT ${limit}`;
