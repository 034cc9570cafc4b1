import type { Migration } from './migration.ts';

/** Which topics a device, or all guests, may use in the tree of a network. */
export const topicRights: Migration = {
  name: '0340-topic-rights',
  up: `
    CREATE TABLE topic_rights (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      -- Null: every device of another tenant.
      device_id uuid,
      -- Null: all topics.
      publish text[],
      subscribe text[],
      changed_at timestamptz NOT NULL,
      UNIQUE NULLS NOT DISTINCT (network_id, device_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (network_id, device_id) REFERENCES network_members (network_id, device_id) ON DELETE CASCADE
    );
    CREATE INDEX topic_rights_by_tenant ON topic_rights (tenant_id, network_id);

    ALTER TABLE topic_rights ENABLE ROW LEVEL SECURITY;
    ALTER TABLE topic_rights FORCE ROW LEVEL SECURITY;
    -- Of the network's tenant: a guest learns what it may by trying.
    CREATE POLICY visible ON topic_rights FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON topic_rights FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON topic_rights FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON topic_rights FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON topic_rights TO yggdrasil_relay USING (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON topic_rights TO yggdrasil_tenant;
    GRANT SELECT ON topic_rights TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE topic_rights;
  `,
};
