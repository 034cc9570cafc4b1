import type { Migration } from './migration.ts';

/**
 * What devices measure: a series for each reading of a device in a network, with its last value, and its points. Both belong to
 * the network's tenant, as its stream does, and go when the device leaves the network: points by a trigger, so that none of
 * them looks for its series when it is written.
 */
export const readings: Migration = {
  name: '0017-readings',
  up: `
    CREATE TABLE readings_series (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      name text NOT NULL,
      unit text NOT NULL,
      last_at timestamptz NOT NULL,
      last_number double precision,
      -- What is no number: true, false, a text; both NULL: not known.
      last_other jsonb,
      kept_bytes bigint NOT NULL,
      UNIQUE (network_id, device_id, name),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (network_id, device_id) REFERENCES network_members ON DELETE CASCADE
    );
    CREATE INDEX readings_series_by_device ON readings_series (device_id, name);
    CREATE TABLE readings_points (
      series_id bigint NOT NULL,
      at timestamptz NOT NULL,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      number double precision,
      other jsonb,
      PRIMARY KEY (series_id, at)
    );
    CREATE INDEX readings_points_by_age ON readings_points (network_id, at);
    CREATE TABLE readings_tenants (
      tenant_id uuid PRIMARY KEY REFERENCES tenants,
      retention_days integer NOT NULL CHECK (retention_days BETWEEN 1 AND 3650)
    );

    -- Whoever takes a device out of a network runs this: so it works as the owner.
    CREATE FUNCTION remove_points() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        DELETE FROM readings_points WHERE series_id = OLD.id;
        RETURN NULL;
      END
      $$;
    REVOKE EXECUTE ON FUNCTION remove_points() FROM PUBLIC;
    CREATE TRIGGER remove_points AFTER DELETE ON readings_series FOR EACH ROW EXECUTE FUNCTION remove_points();

    ALTER TABLE readings_series ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_series FORCE ROW LEVEL SECURITY;
    ALTER TABLE readings_points ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_points FORCE ROW LEVEL SECURITY;
    ALTER TABLE readings_tenants ENABLE ROW LEVEL SECURITY;
    ALTER TABLE readings_tenants FORCE ROW LEVEL SECURITY;

    CREATE POLICY owner ON readings_points FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY removed ON readings_points FOR DELETE TO CURRENT_USER USING (true);
    CREATE POLICY server ON readings_series TO yggdrasil_relay USING (true);
    CREATE POLICY server ON readings_points TO yggdrasil_relay USING (true);
    CREATE POLICY server ON readings_tenants FOR SELECT TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON readings_series FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY visible ON readings_points FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY visible ON readings_tenants FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON readings_tenants FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON readings_tenants FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));

    GRANT SELECT, INSERT, UPDATE ON readings_series TO yggdrasil_relay;
    GRANT SELECT, INSERT, UPDATE, DELETE ON readings_points TO yggdrasil_relay;
    GRANT SELECT ON readings_tenants TO yggdrasil_relay;
    GRANT SELECT ON readings_series, readings_points TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE ON readings_tenants TO yggdrasil_tenant;
  `,
  down: `
    DROP TABLE readings_tenants;
    DROP TABLE readings_points;
    DROP TABLE readings_series;
    DROP FUNCTION remove_points();
  `,
};
