import type { Migration } from './migration.ts';

/** What both ways do once the tables are there: who may see and change what, as before. */
const policiesOf = (table: string): string => `
    CREATE POLICY owner ON ${table} FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY removed ON ${table} FOR DELETE TO CURRENT_USER USING (true);
    CREATE POLICY server ON ${table} TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON ${table} FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO yggdrasil_relay;
    GRANT SELECT ON ${table} TO yggdrasil_tenant;`;

/** The columns of a point and of an hour. */
const POINT = `
      series_id bigint NOT NULL,
      at timestamptz NOT NULL,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      number double precision,
      other jsonb,
      PRIMARY KEY (series_id, at)`;
const HOUR = `
      series_id bigint NOT NULL,
      at timestamptz NOT NULL,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      numbers bigint NOT NULL,
      minimum double precision,
      maximum double precision,
      mean double precision,
      last_at timestamptz NOT NULL,
      last_number double precision,
      last_other jsonb,
      PRIMARY KEY (series_id, at)`;

const HISTORY = `
      SELECT series_id, at, tenant_id, (number IS NOT NULL)::int::bigint AS numbers, number AS minimum, number AS maximum,
        number AS mean, number AS last_number, other AS last_other
      FROM readings_points
      UNION ALL
      SELECT series_id, at, tenant_id, numbers, minimum, maximum, mean, last_number, last_other FROM readings_hours;`;

/**
 * Readings by time: the points of a day are a table of their own, and the hours of a month. What is too old for everybody goes with its
 * table, without a trace to clean up. What belongs to no such table, since a device says that it measured it long ago, is in `..._other`.
 *
 * Only the parents are granted to anybody, and their policies hold for what is asked through them; the parts have row-level security with a
 * policy for their owner alone. The server asks for parts to be made and dropped by two functions that work as the owner.
 */
export const readingsByTime: Migration = {
  name: '0210-readings-by-time',
  up: `
    ALTER TABLE readings_points RENAME TO readings_points_whole;
    ALTER TABLE readings_points_whole RENAME CONSTRAINT readings_points_pkey TO readings_points_whole_pkey;
    ALTER INDEX readings_points_by_age RENAME TO readings_points_whole_by_age;
    ALTER TABLE readings_hours RENAME TO readings_hours_whole;
    ALTER TABLE readings_hours_whole RENAME CONSTRAINT readings_hours_pkey TO readings_hours_whole_pkey;
    ALTER INDEX readings_hours_by_age RENAME TO readings_hours_whole_by_age;

    CREATE TABLE readings_points (${POINT}
    ) PARTITION BY RANGE (at);
    CREATE INDEX readings_points_by_age ON readings_points (network_id, at);
    CREATE TABLE readings_hours (${HOUR}
    ) PARTITION BY RANGE (at);
    CREATE INDEX readings_hours_by_age ON readings_hours (network_id, at);

    -- Secures a part: it is reached through its parent, or by its owner.
    CREATE FUNCTION secure_readings_part(part text) RETURNS void
      LANGUAGE plpgsql SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true)', part);
      END
      $$;

    -- Makes the part from a time on, unless it is there. What of its time is in the part for all others is carried over; meanwhile nobody
    -- writes. Where others hold the tables for long, as a backup does, it fails, and is tried again: parts are made two days ahead. While it
    -- waits for the tables, everybody waits behind it, so it soon gives up.
    CREATE FUNCTION add_readings_part(parent text, begins_at timestamptz, lasts interval) RETURNS void
      LANGUAGE plpgsql SET search_path = yggdrasil, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms'
      AS $$
      DECLARE
        part text := parent || '_' || to_char(begins_at, 'YYYYMMDD');
        ends_at timestamptz := begins_at + lasts;
      BEGIN
        IF to_regclass(format('yggdrasil.%I', part)) IS NOT NULL THEN
          RETURN;
        END IF;
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
        -- Another node may have made it before the lock.
        IF to_regclass(format('yggdrasil.%I', part)) IS NOT NULL THEN
          RETURN;
        END IF;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, parent);
        EXECUTE format(
          'WITH carried AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM carried',
          parent || '_other', begins_at, ends_at, part);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, begins_at, ends_at);
        PERFORM secure_readings_part(part);
      END
      $$;

    -- Makes the parts in which something may be written within two days from now: points of these days, and hours of the last days' months.
    CREATE FUNCTION add_readings_parts(now_at timestamptz) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp SET timezone = 'UTC'
      AS $$
      BEGIN
        FOR ahead IN 0..2 LOOP
          PERFORM add_readings_part('readings_points', date_trunc('day', now_at) + ahead * interval '1 day', '1 day');
        END LOOP;
        PERFORM add_readings_part('readings_hours', date_trunc('month', now_at - interval '8 days'), '1 month');
        PERFORM add_readings_part('readings_hours', date_trunc('month', now_at + interval '2 days'), '1 month');
      END
      $$;

    -- Drops parts: of points those that end before a time and are empty, and of both those that end before another time, with what is in
    -- them, which is counted off its series at so many bytes each. How many parts there were.
    CREATE FUNCTION drop_readings_parts(empty_before timestamptz, kept_from timestamptz, point_bytes integer, hour_bytes integer)
      RETURNS integer
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms'
      AS $$
      DECLARE
        one record;
        is_empty boolean;
        dropped integer := 0;
      BEGIN
        FOR one IN
          SELECT part.relname AS name, parent.relname = 'readings_points' AS has_points,
            to_date(right(part.relname, 8), 'YYYYMMDD')::timestamptz
              + CASE WHEN parent.relname = 'readings_points' THEN interval '1 day' ELSE interval '1 month' END AS ends_at
          FROM pg_inherits
            JOIN pg_class AS part ON part.oid = inhrelid
            JOIN pg_class AS parent ON parent.oid = inhparent
          WHERE inhparent IN ('readings_points'::regclass, 'readings_hours'::regclass) AND part.relname ~ '_[0-9]{8}$'
          ORDER BY part.relname
        LOOP
          CONTINUE WHEN one.ends_at > kept_from AND NOT (one.has_points AND one.ends_at <= empty_before);
          IF one.ends_at > kept_from THEN
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', one.name) INTO is_empty;
            CONTINUE WHEN NOT is_empty;
          END IF;
          EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', CASE WHEN one.has_points THEN 'readings_points' ELSE 'readings_hours' END);
          -- Before the lock another node may have dropped it, or something may have come.
          CONTINUE WHEN to_regclass(format('yggdrasil.%I', one.name)) IS NULL;
          IF one.ends_at > kept_from THEN
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', one.name) INTO is_empty;
            CONTINUE WHEN NOT is_empty;
          END IF;
          EXECUTE format(
            'UPDATE readings_series SET kept_bytes = greatest(kept_bytes - less.bytes, 0)
             FROM (SELECT series_id, sum(%s + coalesce(octet_length(%I::text), 0)) AS bytes FROM %I GROUP BY series_id) AS less
             WHERE readings_series.id = less.series_id',
            CASE WHEN one.has_points THEN point_bytes ELSE hour_bytes END,
            CASE WHEN one.has_points THEN 'other' ELSE 'last_other' END, one.name);
          EXECUTE format('DROP TABLE %I', one.name);
          dropped := dropped + 1;
        END LOOP;
        RETURN dropped;
      END
      $$;
    -- From the next statement of the transaction on, none takes longer than this: while parts are made or dropped, nobody reads or writes.
    CREATE FUNCTION bound_readings_parts() RETURNS void
      LANGUAGE sql
      AS $$ SELECT FROM set_config('statement_timeout', '2s', true) $$;

    REVOKE EXECUTE ON FUNCTION bound_readings_parts() FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION secure_readings_part(text) FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION add_readings_part(text, timestamptz, interval) FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION add_readings_parts(timestamptz) FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION drop_readings_parts(timestamptz, timestamptz, integer, integer) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION bound_readings_parts() TO yggdrasil_relay;
    GRANT EXECUTE ON FUNCTION add_readings_parts(timestamptz) TO yggdrasil_relay;
    GRANT EXECUTE ON FUNCTION drop_readings_parts(timestamptz, timestamptz, integer, integer) TO yggdrasil_relay;
    CREATE POLICY owner ON readings_series FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY counted ON readings_series FOR UPDATE TO CURRENT_USER USING (true);

    DO $$
    DECLARE
      first_hour timestamptz := (SELECT greatest(min(at), now() - interval '3650 days') FROM readings_hours_whole);
      month_at timestamptz;
    BEGIN
      SET LOCAL timezone = 'UTC';
      CREATE TABLE readings_points_other PARTITION OF readings_points DEFAULT;
      CREATE TABLE readings_hours_other PARTITION OF readings_hours DEFAULT;
      PERFORM secure_readings_part('readings_points_other');
      PERFORM secure_readings_part('readings_hours_other');
      FOR ago IN 1..8 LOOP
        PERFORM add_readings_part('readings_points', date_trunc('day', now()) - ago * interval '1 day', '1 day');
      END LOOP;
      FOR month_at IN SELECT generate_series(date_trunc('month', first_hour), now(), interval '1 month') LOOP
        PERFORM add_readings_part('readings_hours', month_at, '1 month');
      END LOOP;
      PERFORM add_readings_parts(now());
    END
    $$;
    INSERT INTO readings_points SELECT * FROM readings_points_whole;
    INSERT INTO readings_hours SELECT * FROM readings_hours_whole;

    ALTER TABLE readings_points ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_points FORCE ROW LEVEL SECURITY;
    ALTER TABLE readings_hours ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_hours FORCE ROW LEVEL SECURITY;
    ${policiesOf('readings_points')}
    ${policiesOf('readings_hours')}

    CREATE OR REPLACE VIEW readings_history WITH (security_invoker = true) AS ${HISTORY}
    DROP TABLE readings_points_whole;
    DROP TABLE readings_hours_whole;
  `,
  down: `
    DROP VIEW readings_history;
    CREATE TABLE readings_points_saved AS SELECT * FROM readings_points;
    CREATE TABLE readings_hours_saved AS SELECT * FROM readings_hours;
    DROP TABLE readings_points;
    DROP TABLE readings_hours;
    DROP FUNCTION drop_readings_parts(timestamptz, timestamptz, integer, integer);
    DROP FUNCTION bound_readings_parts();
    DROP FUNCTION add_readings_parts(timestamptz);
    DROP FUNCTION add_readings_part(text, timestamptz, interval);
    DROP FUNCTION secure_readings_part(text);
    DROP POLICY owner ON readings_series;
    DROP POLICY counted ON readings_series;

    CREATE TABLE readings_points (${POINT}
    );
    CREATE INDEX readings_points_by_age ON readings_points (network_id, at);
    CREATE TABLE readings_hours (${HOUR}
    );
    CREATE INDEX readings_hours_by_age ON readings_hours (network_id, at);
    INSERT INTO readings_points SELECT * FROM readings_points_saved;
    INSERT INTO readings_hours SELECT * FROM readings_hours_saved;
    DROP TABLE readings_points_saved;
    DROP TABLE readings_hours_saved;

    ALTER TABLE readings_points ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_points FORCE ROW LEVEL SECURITY;
    ALTER TABLE readings_hours ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_hours FORCE ROW LEVEL SECURITY;
    ${policiesOf('readings_points')}
    ${policiesOf('readings_hours')}
    CREATE VIEW readings_history WITH (security_invoker = true) AS ${HISTORY}
    GRANT SELECT ON readings_history TO yggdrasil_tenant;
  `,
};
