import type { Migration } from './migration.ts';

/** The networks whose devices are announced to a Home Assistant. */
export const discovery: Migration = {
  name: '0029-discovery',
  up: `
    CREATE TABLE discovery_networks (
      network_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );

    ALTER TABLE discovery_networks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE discovery_networks FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON discovery_networks FOR SELECT TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON discovery_networks FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON discovery_networks FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON discovery_networks FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));

    GRANT SELECT ON discovery_networks TO yggdrasil_relay;
    GRANT SELECT, INSERT, DELETE ON discovery_networks TO yggdrasil_tenant;
  `,
  down: `
    DROP TABLE discovery_networks;
  `,
};
