import type { Migration } from './migration.ts';

/** Who permits direct paths between devices: networks, devices, and pairs that stay on the relay. */
export const directPaths: Migration = {
  name: '0311-direct-paths',
  up: `
    CREATE TABLE network_path_rules (
      network_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    COMMENT ON TABLE network_path_rules IS 'Networks whose devices may have direct paths.';
    CREATE TABLE device_path_rules (
      device_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      rule text NOT NULL CHECK (rule IN ('direct', 'relay')),
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE relayed_pairs (
      network_id uuid NOT NULL,
      -- The one with the lower id.
      first_id uuid NOT NULL,
      second_id uuid NOT NULL,
      PRIMARY KEY (network_id, first_id, second_id),
      CHECK (first_id < second_id),
      FOREIGN KEY (network_id, first_id) REFERENCES network_members (network_id, device_id) ON DELETE CASCADE,
      FOREIGN KEY (network_id, second_id) REFERENCES network_members (network_id, device_id) ON DELETE CASCADE
    );
    CREATE INDEX relayed_pairs_by_second ON relayed_pairs (network_id, second_id);

    ALTER TABLE network_path_rules ENABLE ROW LEVEL SECURITY;
    ALTER TABLE network_path_rules FORCE ROW LEVEL SECURITY;
    ALTER TABLE device_path_rules ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_path_rules FORCE ROW LEVEL SECURITY;
    ALTER TABLE relayed_pairs ENABLE ROW LEVEL SECURITY;
    ALTER TABLE relayed_pairs FORCE ROW LEVEL SECURITY;
    CREATE POLICY visible ON network_path_rules FOR SELECT TO yggdrasil_tenant USING (
      (tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()))
      OR network_id IN (SELECT visible_network_ids()));
    CREATE POLICY added ON network_path_rules FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON network_path_rules FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON network_path_rules TO yggdrasil_relay USING (true);
    -- Of the devices that are seen.
    CREATE POLICY visible ON device_path_rules FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND EXISTS (SELECT FROM devices WHERE id = device_id));
    CREATE POLICY added ON device_path_rules FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()));
    CREATE POLICY changed ON device_path_rules FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()));
    CREATE POLICY removed ON device_path_rules FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()));
    CREATE POLICY server ON device_path_rules TO yggdrasil_relay USING (true);
    CREATE POLICY server ON relayed_pairs TO yggdrasil_relay USING (true);
    GRANT SELECT, INSERT, DELETE ON network_path_rules TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON device_path_rules TO yggdrasil_tenant;
    GRANT SELECT ON network_path_rules, device_path_rules TO yggdrasil_relay;
    GRANT SELECT, INSERT, DELETE ON relayed_pairs TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE relayed_pairs;
    DROP TABLE device_path_rules;
    DROP TABLE network_path_rules;
  `,
};
