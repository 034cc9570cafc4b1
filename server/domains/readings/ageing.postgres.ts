import type { Sql } from '../../kernel/database.ts';
import { DETAIL_DAYS, HOUR_BYTES, MEAN_OF_MAX, POINT_BYTES, REMOVED_POINTS_MAX } from './limits.ts';

/**
 * A value as it goes into a mean: no further from zero than something is measured, nor nearer. PostgreSQL refuses a sum that is more than a
 * number holds, and a quotient that is less; a device may say what would be either, and others' readings are counted beside it.
 */
export function inMean(sql: Sql, column: string) {
  const value = sql(column);
  return sql`CASE WHEN abs(${value}) > ${MEAN_OF_MAX}::float8 THEN sign(${value}) * ${MEAN_OF_MAX}::float8
    WHEN abs(${value}) < 1 / ${MEAN_OF_MAX}::float8 THEN 0 ELSE ${value} END`;
}

/**
 * Points are in a table for each day, hours in one for each month. Makes those of the coming days, and drops those of points that are past
 * their week and empty, and those that are past what any tenant keeps, as a whole. How many it dropped.
 */
export async function renewParts(sql: Sql, now: Date, retentionDays: number): Promise<number> {
  await sql`SELECT bound_readings_parts()`;
  await sql`SELECT add_readings_parts(${now})`;
  const [row] = await sql<{ dropped: number }[]>`
    SELECT drop_readings_parts(
      ${now}::timestamptz - ${DETAIL_DAYS} * interval '1 day',
      ${now}::timestamptz
        - greatest(${retentionDays}, (SELECT max(retention_days) FROM readings_tenants)) * interval '1 day',
      ${POINT_BYTES}, ${HOUR_BYTES}) AS dropped`;
  return row?.dropped ?? 0;
}

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
        min(number) AS minimum, max(number) AS maximum, avg(${inMean(sql, 'number')}) AS mean, max(at) AS last_at,
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
        mean = (coalesce(${inMean(sql, 'hours.mean')} * hours.numbers, 0)
            + coalesce(${inMean(sql, 'excluded.mean')} * EXCLUDED.numbers, 0))
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

/** Removes what is older than its tenant wants, some of it. How many points and hours there were. */
export async function removeOld(sql: Sql, now: Date, retentionDays: number): Promise<number> {
  const rows = await sql<{ removed: bigint }[]>`
    WITH network AS (
      SELECT network_id,
        ${now}::timestamptz - coalesce(min(chosen.retention_days), ${retentionDays}) * interval '1 day' AS first_kept
      FROM readings_series LEFT JOIN readings_tenants AS chosen USING (tenant_id) GROUP BY network_id
    ), old_hours AS (
      SELECT one.series_id, one.at FROM network, LATERAL (SELECT series_id, at FROM readings_hours AS kept
        WHERE kept.network_id = network.network_id AND at < first_kept ORDER BY at LIMIT ${REMOVED_POINTS_MAX}) AS one
      LIMIT ${REMOVED_POINTS_MAX}
    ), old_points AS (
      SELECT one.series_id, one.at FROM network, LATERAL (SELECT series_id, at FROM readings_points AS kept
        WHERE kept.network_id = network.network_id AND at < first_kept ORDER BY at LIMIT ${REMOVED_POINTS_MAX}) AS one
      LIMIT ${REMOVED_POINTS_MAX}
    ), hours AS (
      DELETE FROM readings_hours AS kept USING old_hours AS old
      WHERE kept.series_id = old.series_id AND kept.at = old.at
      RETURNING kept.series_id, ${HOUR_BYTES} + coalesce(octet_length(last_other::text), 0) AS bytes
    ), points AS (
      DELETE FROM readings_points AS kept USING old_points AS old
      WHERE kept.series_id = old.series_id AND kept.at = old.at
      RETURNING kept.series_id, ${POINT_BYTES} + coalesce(octet_length(other::text), 0) AS bytes
    ), removed AS (
      SELECT * FROM hours UNION ALL SELECT * FROM points
    ), counted AS (
      UPDATE readings_series SET kept_bytes = greatest(kept_bytes - less.bytes, 0)
      FROM (SELECT series_id, sum(bytes) AS bytes FROM removed GROUP BY series_id) AS less
      WHERE readings_series.id = less.series_id
    )
    SELECT count(*) AS removed FROM removed`;
  return Number(rows[0]?.removed ?? 0);
}

/** Removes the oldest of networks that keep more bytes, hours before points, some of it. How many there were. */
export async function removeBeyond(sql: Sql, networkBytesMax: number): Promise<number> {
  const rows = await sql<{ removed: bigint }[]>`
    WITH network AS (
      SELECT network_id, sum(kept_bytes) - ${networkBytesMax} AS excess FROM readings_series
      GROUP BY network_id HAVING sum(kept_bytes) > ${networkBytesMax}
    ), old_hours AS (
      SELECT network.network_id, one.series_id, one.at FROM network,
        LATERAL (SELECT series_id, at FROM readings_hours AS kept WHERE kept.network_id = network.network_id
          ORDER BY at LIMIT least(ceil(excess / ${HOUR_BYTES}), ${REMOVED_POINTS_MAX})::int) AS one
      LIMIT ${REMOVED_POINTS_MAX}
    ), hours AS (
      DELETE FROM readings_hours AS kept USING old_hours AS old
      WHERE kept.series_id = old.series_id AND kept.at = old.at
      RETURNING kept.network_id, kept.series_id, ${HOUR_BYTES} + coalesce(octet_length(last_other::text), 0) AS bytes
    ), rest AS (
      SELECT network_id, excess - coalesce((SELECT sum(bytes) FROM hours WHERE hours.network_id = network.network_id), 0)
        AS excess
      FROM network
    ), old_points AS (
      SELECT one.series_id, one.at FROM rest,
        LATERAL (SELECT series_id, at FROM readings_points AS kept WHERE kept.network_id = rest.network_id
          ORDER BY at LIMIT greatest(least(ceil(excess / ${POINT_BYTES}), ${REMOVED_POINTS_MAX}), 0)::int) AS one
      LIMIT ${REMOVED_POINTS_MAX}
    ), points AS (
      DELETE FROM readings_points AS kept USING old_points AS old
      WHERE kept.series_id = old.series_id AND kept.at = old.at
      RETURNING kept.series_id, ${POINT_BYTES} + coalesce(octet_length(other::text), 0) AS bytes
    ), removed AS (
      SELECT series_id, bytes FROM hours UNION ALL SELECT series_id, bytes FROM points
    ), counted AS (
      UPDATE readings_series SET kept_bytes = greatest(kept_bytes - less.bytes, 0)
      FROM (SELECT series_id, sum(bytes) AS bytes FROM removed GROUP BY series_id) AS less
      WHERE readings_series.id = less.series_id
    )
    SELECT count(*) AS removed FROM removed`;
  return Number(rows[0]?.removed ?? 0);
}
