import type { Migration } from './migration.ts';

/**
 * Who may send what to whom within a network: what was decided for two devices, and the rule for all others. A pair belongs to
 * the network, and goes when one of its devices leaves.
 */
export const pairings: Migration = {
  name: '0067-pairings',
  up: `
    CREATE TABLE pairings (
      id uuid PRIMARY KEY,
      network_id uuid NOT NULL,
      -- The network's tenant.
      tenant_id uuid NOT NULL,
      source_id uuid NOT NULL,
      source_tenant_id uuid NOT NULL,
      target_id uuid NOT NULL CHECK (target_id <> source_id),
      target_tenant_id uuid NOT NULL,
      state text NOT NULL CHECK (state IN ('asked', 'allowed', 'denied', 'timed_out', 'closed', 'used')),
      -- Who took away what a rule would give; null: nobody did.
      blocked_by text CHECK (blocked_by IN ('source', 'target')),
      decided_by text CHECK (decided_by IN ('rule', 'device', 'owner')),
      reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
      -- What is asked for, and then what is allowed; null: anything.
      operations text[] CHECK (cardinality(operations) BETWEEN 1 AND 64),
      until_at timestamptz,
      once boolean NOT NULL DEFAULT false,
      -- The one frame of a permission for one.
      used_by uuid,
      created_at timestamptz NOT NULL,
      asked_until timestamptz NOT NULL,
      decided_at timestamptz,
      revision bigint NOT NULL DEFAULT 1,
      CONSTRAINT pairings_one_for_two UNIQUE (network_id, source_id, target_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT pairings_of_source FOREIGN KEY (network_id, source_id) REFERENCES network_members ON DELETE CASCADE,
      CONSTRAINT pairings_of_target FOREIGN KEY (network_id, target_id) REFERENCES network_members ON DELETE CASCADE
    );
    CREATE INDEX pairings_by_target ON pairings (network_id, target_id);
    CREATE INDEX pairings_by_source ON pairings (source_id);
    CREATE INDEX pairings_by_tenant ON pairings (tenant_id, created_at, id);
    CREATE INDEX pairings_open ON pairings (asked_until) WHERE state = 'asked';

    CREATE TABLE pairing_rules (
      network_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      rule text NOT NULL CHECK (rule IN ('open', 'guests_ask', 'ask')),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    -- Devices that are asked whatever the rule of a network says. They belong to the device's tenant.
    CREATE TABLE pairing_asking_devices (
      device_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE
    );

    -- The owners of a network and of two devices in it, as far as who asks sees both there.
    CREATE FUNCTION pairing_sides(network uuid, source uuid, target uuid)
      RETURNS TABLE (tenant_id uuid, source_tenant_id uuid, target_tenant_id uuid)
      LANGUAGE sql STABLE SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT of_source.tenant_id, of_source.device_tenant_id, of_target.device_tenant_id
        FROM network_members AS of_source JOIN network_members AS of_target USING (network_id)
        WHERE of_source.network_id = network AND of_source.device_id = source AND of_target.device_id = target;
      END;
    -- Devices of these networks that are asked whatever the rule says, and those of other tenants than the network's.
    CREATE FUNCTION pairing_asking(networks uuid[]) RETURNS TABLE (network_id uuid, device_id uuid)
      LANGUAGE sql STABLE SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT network_members.network_id, network_members.device_id
        FROM network_members JOIN pairing_asking_devices USING (device_id)
        WHERE network_members.network_id = ANY (networks);
      END;
    CREATE FUNCTION pairing_guests(networks uuid[])
      RETURNS TABLE (network_id uuid, device_id uuid, device_tenant_id uuid)
      LANGUAGE sql STABLE SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT network_members.network_id, network_members.device_id, network_members.device_tenant_id
        FROM network_members
        WHERE network_members.network_id = ANY (networks) AND network_members.device_tenant_id <> network_members.tenant_id;
      END;
    CREATE FUNCTION pairing_networks(device uuid) RETURNS SETOF uuid
      LANGUAGE sql STABLE SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT network_id FROM network_members WHERE device_id = device;
      END;
    REVOKE EXECUTE ON FUNCTION pairing_sides(uuid, uuid, uuid), pairing_asking(uuid[]), pairing_guests(uuid[]),
      pairing_networks(uuid) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pairing_sides(uuid, uuid, uuid) TO yggdrasil_tenant;
    GRANT EXECUTE ON FUNCTION pairing_asking(uuid[]), pairing_guests(uuid[]), pairing_networks(uuid) TO yggdrasil_relay;

    ALTER TABLE pairings ENABLE ROW LEVEL SECURITY;
    ALTER TABLE pairings FORCE ROW LEVEL SECURITY;
    ALTER TABLE pairing_rules ENABLE ROW LEVEL SECURITY;
    ALTER TABLE pairing_rules FORCE ROW LEVEL SECURITY;
    ALTER TABLE pairing_asking_devices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE pairing_asking_devices FORCE ROW LEVEL SECURITY;

    -- A device sees what it is part of; an account what is in the networks it sees, and what its tenant's devices have elsewhere.
    CREATE POLICY visible ON pairings FOR SELECT TO yggdrasil_tenant USING (
      (SELECT current_device_id()) IN (source_id, target_id)
      OR (tenant_id = (SELECT current_tenant_id()) AND (SELECT current_account_id()) IS NOT NULL
        AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())))
      OR ((SELECT current_tenant_id()) IN (source_tenant_id, target_tenant_id) AND (SELECT sees_whole_tenant())));
    CREATE POLICY asked ON pairings FOR INSERT TO yggdrasil_tenant WITH CHECK (
      source_tenant_id = (SELECT current_tenant_id())
      AND (source_id = (SELECT current_device_id())
        OR ((SELECT current_device_id()) IS NULL AND tenant_id = (SELECT current_tenant_id())
          AND (SELECT changes_devices()) AND may_see_network(network_id))));
    CREATE POLICY decided ON pairings FOR UPDATE TO yggdrasil_tenant USING (
      (SELECT current_device_id()) IN (source_id, target_id)
      OR ((SELECT current_device_id()) IS NULL AND (SELECT changes_devices())
        AND (((tenant_id = (SELECT current_tenant_id()) AND may_see_network(network_id)))
          OR ((SELECT current_tenant_id()) IN (source_tenant_id, target_tenant_id) AND (SELECT sees_whole_tenant())))));
    CREATE POLICY server ON pairings TO yggdrasil_relay USING (true);

    CREATE POLICY visible ON pairing_rules FOR SELECT TO yggdrasil_tenant USING (
      (tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()))
      OR network_id IN (SELECT visible_network_ids()));
    CREATE POLICY added ON pairing_rules FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON pairing_rules FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON pairing_rules TO yggdrasil_relay USING (true);

    CREATE POLICY visible ON pairing_asking_devices FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY added ON pairing_asking_devices FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()));
    CREATE POLICY removed ON pairing_asking_devices FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()));
    CREATE POLICY server ON pairing_asking_devices TO yggdrasil_relay USING (true);

    GRANT SELECT, INSERT, UPDATE ON pairings TO yggdrasil_tenant;
    GRANT SELECT, UPDATE ON pairings TO yggdrasil_relay;
    GRANT SELECT, INSERT, UPDATE ON pairing_rules TO yggdrasil_tenant;
    GRANT SELECT ON pairing_rules TO yggdrasil_relay;
    GRANT SELECT, INSERT, DELETE ON pairing_asking_devices TO yggdrasil_tenant;
    GRANT SELECT ON pairing_asking_devices TO yggdrasil_relay;
  `,
  down: `
    DROP FUNCTION pairing_networks(uuid);
    DROP FUNCTION pairing_guests(uuid[]);
    DROP FUNCTION pairing_asking(uuid[]);
    DROP FUNCTION pairing_sides(uuid, uuid, uuid);
    DROP TABLE pairing_asking_devices;
    DROP TABLE pairing_rules;
    DROP TABLE pairings;
  `,
};
