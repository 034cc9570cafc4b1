import type { Migration } from './migration.ts';

/** Named sets of devices in a network. What is stored for a group is read by its members, from where they joined it. */
export const groups: Migration = {
  name: '0068-groups',
  up: `
    CREATE TABLE device_groups (
      id uuid PRIMARY KEY,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      created_at timestamptz NOT NULL,
      UNIQUE (network_id, id),
      CONSTRAINT device_groups_name_taken UNIQUE (network_id, name),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE device_group_members (
      group_id uuid NOT NULL,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      -- The head of the network's stream when it joined.
      joined_offset bigint NOT NULL,
      PRIMARY KEY (group_id, device_id),
      FOREIGN KEY (network_id, group_id) REFERENCES device_groups (network_id, id) ON DELETE CASCADE,
      CONSTRAINT device_group_members_of_device
        FOREIGN KEY (network_id, device_id) REFERENCES network_members ON DELETE CASCADE
    );
    CREATE INDEX device_group_members_by_device ON device_group_members (device_id);
    CREATE INDEX device_group_members_by_network ON device_group_members (network_id);

    CREATE FUNCTION own_group_ids() RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT group_id FROM device_group_members WHERE device_id = (SELECT current_device_id());
      END;
    REVOKE EXECUTE ON FUNCTION own_group_ids() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION own_group_ids() TO yggdrasil_tenant;

    ALTER TABLE device_groups ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_groups FORCE ROW LEVEL SECURITY;
    ALTER TABLE device_group_members ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_group_members FORCE ROW LEVEL SECURITY;

    CREATE POLICY visible ON device_groups FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON device_groups FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()) AND may_see_network(network_id));
    CREATE POLICY changed ON device_groups FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()) AND may_see_network(network_id));
    CREATE POLICY removed ON device_groups FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()) AND may_see_network(network_id));
    CREATE POLICY visible ON device_group_members FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON device_group_members FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()) AND may_see_network(network_id));
    CREATE POLICY removed ON device_group_members FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()) AND may_see_network(network_id));
    CREATE POLICY functions ON device_group_members FOR SELECT TO CURRENT_USER USING (
      device_id = (SELECT current_device_id()));
    CREATE POLICY server ON device_groups TO yggdrasil_relay USING (true);
    CREATE POLICY server ON device_group_members TO yggdrasil_relay USING (true);
    -- A device reads what is for a group of its own, too.
    DROP POLICY visible ON relay_frames;
    CREATE POLICY visible ON relay_frames TO yggdrasil_tenant USING (
      CASE WHEN (SELECT current_device_id()) IS NULL THEN tenant_id = (SELECT current_tenant_id())
          AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids()))
        ELSE network_id IN (SELECT visible_network_ids())
          AND (destination_id IS NULL OR (SELECT current_device_id()) IN (destination_id, source_id)
            OR destination_id IN (SELECT own_group_ids())) END);

    GRANT SELECT, INSERT, DELETE ON device_groups, device_group_members TO yggdrasil_tenant;
    GRANT UPDATE (name) ON device_groups TO yggdrasil_tenant;
    GRANT SELECT ON device_groups, device_group_members TO yggdrasil_relay;
  `,
  down: `
    DROP POLICY visible ON relay_frames;
    CREATE POLICY visible ON relay_frames TO yggdrasil_tenant USING (
      CASE WHEN (SELECT current_device_id()) IS NULL THEN tenant_id = (SELECT current_tenant_id())
          AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids()))
        ELSE network_id IN (SELECT visible_network_ids())
          AND (destination_id IS NULL OR (SELECT current_device_id()) IN (destination_id, source_id)) END);
    DROP FUNCTION own_group_ids();
    DROP TABLE device_group_members;
    DROP TABLE device_groups;
  `,
};
