import type { Fragment, Sql } from '../../kernel/database.ts';
import { HOUR_BYTES, POINT_BYTES, REMOVED_POINTS_MAX } from './limits.ts';
import type { HistoryPart } from './ports.ts';

/** What each part of a history is kept in, what one of it counts, and what else it counts for a value that is no number. */
const PARTS = {
  points: { table: 'readings_points', bytes: POINT_BYTES, other: 'other' },
  hours: { table: 'readings_hours', bytes: HOUR_BYTES, other: 'last_other' },
} as const;

/**
 * Makes hours of points from before this time, some of them: an hour that is there already takes in what is new. How many
 * points there were.
 */
export async function condense(sql: Sql, before: Date): Promise<number> {
  const rows = await sql<{ condensed: bigint }[]>`
    WITH old AS (
      SELECT point.series_id, point.at
      FROM (SELECT DISTINCT network_id FROM readings_series) AS network,
        LATERAL (SELECT series_id, at FROM readings_points
          WHERE readings_points.network_id = network.network_id AND at < ${before}
          ORDER BY at LIMIT ${REMOVED_POINTS_MAX}) AS point
      LIMIT ${REMOVED_POINTS_MAX}
    ), removed AS (
      DELETE FROM readings_points USING old
      WHERE readings_points.series_id = old.series_id AND readings_points.at = old.at
      RETURNING readings_points.series_id, readings_points.at, network_id, tenant_id, number, other
    ), fresh AS (
      SELECT series_id, date_trunc('hour', at, 'UTC') AS hour, network_id, tenant_id, count(number) AS numbers,
        min(number) AS minimum, max(number) AS maximum, avg(number) AS mean, max(at) AS last_at,
        (array_agg(number ORDER BY at DESC))[1] AS last_number, (array_agg(other ORDER BY at DESC))[1] AS last_other
      FROM removed GROUP BY 1, 2, 3, 4
    ), known AS (
      SELECT hours.* FROM fresh JOIN readings_hours AS hours ON hours.series_id = fresh.series_id AND hours.at = fresh.hour
    ), kept AS (
      INSERT INTO readings_hours AS hours
        (series_id, at, network_id, tenant_id, numbers, minimum, maximum, mean, last_at, last_number, last_other)
      SELECT * FROM fresh
      ON CONFLICT (series_id, at) DO UPDATE SET
        numbers = hours.numbers + EXCLUDED.numbers,
        minimum = least(hours.minimum, EXCLUDED.minimum),
        maximum = greatest(hours.maximum, EXCLUDED.maximum),
        mean = (coalesce(hours.mean * hours.numbers, 0) + coalesce(EXCLUDED.mean * EXCLUDED.numbers, 0))
          / nullif(hours.numbers + EXCLUDED.numbers, 0),
        last_at = greatest(hours.last_at, EXCLUDED.last_at),
        last_number = CASE WHEN EXCLUDED.last_at > hours.last_at THEN EXCLUDED.last_number ELSE hours.last_number END,
        last_other = CASE WHEN EXCLUDED.last_at > hours.last_at THEN EXCLUDED.last_other ELSE hours.last_other END
      RETURNING series_id, last_other
    ), changed AS (
      SELECT series_id, sum(bytes) AS bytes FROM (
        SELECT series_id, -(${POINT_BYTES} + coalesce(octet_length(other::text), 0)) AS bytes FROM removed
        UNION ALL SELECT series_id, -(${HOUR_BYTES} + coalesce(octet_length(last_other::text), 0)) FROM known
        UNION ALL SELECT series_id, ${HOUR_BYTES} + coalesce(octet_length(last_other::text), 0) FROM kept) AS each
      GROUP BY series_id
    ), counted AS (
      UPDATE readings_series SET kept_bytes = greatest(kept_bytes + changed.bytes, 0)
      FROM changed WHERE readings_series.id = changed.series_id
    )
    SELECT count(*) AS condensed FROM removed`;
  return Number(rows[0]?.condensed ?? 0);
}

/** Removes what is older than its tenant wants, some of it. How many there were. */
export async function removeOld(
  sql: Sql,
  part: HistoryPart,
  now: Date,
  retentionDays: number,
): Promise<number> {
  const { table } = PARTS[part];
  const old = sql`
    SELECT one.series_id, one.at
    FROM (SELECT DISTINCT network_id, tenant_id FROM readings_series) AS network
      LEFT JOIN readings_tenants AS chosen USING (tenant_id),
      LATERAL (SELECT series_id, at FROM ${sql(table)} AS kept
        WHERE kept.network_id = network.network_id
          AND at < ${now}::timestamptz - coalesce(chosen.retention_days, ${retentionDays}) * interval '1 day'
        ORDER BY at LIMIT ${REMOVED_POINTS_MAX}) AS one
    LIMIT ${REMOVED_POINTS_MAX}`;
  return remove(sql, part, old);
}

/** Removes the oldest of networks that keep more bytes, some of it. How many there were. */
export async function removeBeyond(sql: Sql, part: HistoryPart, networkBytesMax: number): Promise<number> {
  const { table, bytes } = PARTS[part];
  const old = sql`
    SELECT one.series_id, one.at
    FROM (SELECT network_id, sum(kept_bytes) - ${networkBytesMax} AS excess FROM readings_series
        GROUP BY network_id HAVING sum(kept_bytes) > ${networkBytesMax}) AS network,
      LATERAL (SELECT series_id, at FROM ${sql(table)} AS kept WHERE kept.network_id = network.network_id
        ORDER BY at LIMIT least(ceil(network.excess / ${bytes}), ${REMOVED_POINTS_MAX})::int) AS one
    LIMIT ${REMOVED_POINTS_MAX}`;
  return remove(sql, part, old);
}

/** Removes what a query finds, and takes it out of what its series count. */
async function remove(sql: Sql, part: HistoryPart, old: Fragment): Promise<number> {
  const { table, bytes, other } = PARTS[part];
  const rows = await sql<{ removed: bigint }[]>`
    WITH old AS (${old}), removed AS (
      DELETE FROM ${sql(table)} AS kept USING old
      WHERE kept.series_id = old.series_id AND kept.at = old.at
      RETURNING kept.series_id, octet_length(${sql(other)}::text) AS other_bytes
    ), counted AS (
      UPDATE readings_series SET kept_bytes = greatest(kept_bytes - less.bytes, 0)
      FROM (SELECT series_id, sum(${bytes} + coalesce(other_bytes, 0)) AS bytes FROM removed GROUP BY series_id) AS less
      WHERE readings_series.id = less.series_id
    )
    SELECT count(*) AS removed FROM removed`;
  return Number(rows[0]?.removed ?? 0);
}
