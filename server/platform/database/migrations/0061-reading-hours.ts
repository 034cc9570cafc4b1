import type { Migration } from './migration.ts';

/**
 * Readings as they age: the points of an hour become one row, with what minimum, maximum and mean need and the last value. The
 * view has both, each point as an hour of its own: questions need not know how old something is.
 */
export const readingHours: Migration = {
  name: '0061-reading-hours',
  up: `
    CREATE TABLE readings_hours (
      series_id bigint NOT NULL,
      -- When the hour begins.
      at timestamptz NOT NULL,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      -- Of the values that are numbers: how many, and over them; NULL where there is none.
      numbers bigint NOT NULL,
      minimum double precision,
      maximum double precision,
      mean double precision,
      -- The last value and when it was said; what is no number in the second column, as with points.
      last_at timestamptz NOT NULL,
      last_number double precision,
      last_other jsonb,
      PRIMARY KEY (series_id, at)
    );
    CREATE INDEX readings_hours_by_age ON readings_hours (network_id, at);

    CREATE OR REPLACE FUNCTION remove_points() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        DELETE FROM readings_points WHERE series_id = OLD.id;
        DELETE FROM readings_hours WHERE series_id = OLD.id;
        RETURN NULL;
      END
      $$;

    ALTER TABLE readings_hours ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_hours FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner ON readings_hours FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY removed ON readings_hours FOR DELETE TO CURRENT_USER USING (true);
    CREATE POLICY server ON readings_hours TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON readings_hours FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    GRANT SELECT, INSERT, UPDATE, DELETE ON readings_hours TO yggdrasil_relay;
    GRANT SELECT ON readings_hours TO yggdrasil_tenant;

    CREATE VIEW readings_history WITH (security_invoker = true) AS
      SELECT series_id, at, tenant_id, (number IS NOT NULL)::int::bigint AS numbers, number AS minimum, number AS maximum,
        number AS mean, number AS last_number, other AS last_other
      FROM readings_points
      UNION ALL
      SELECT series_id, at, tenant_id, numbers, minimum, maximum, mean, last_number, last_other FROM readings_hours;
    GRANT SELECT ON readings_history TO yggdrasil_tenant;
  `,
  down: `
    DROP VIEW readings_history;
    CREATE OR REPLACE FUNCTION remove_points() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        DELETE FROM readings_points WHERE series_id = OLD.id;
        RETURN NULL;
      END
      $$;
    DROP TABLE readings_hours;
  `,
};
