import type { Migration } from './migration.ts';

/** Networks, the members who are for single ones, devices, and which device belongs to which network. */
export const devices: Migration = {
  name: '0003-devices',
  up: `
    CREATE TABLE networks (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (tenant_id, id),
      -- Only who sees every network of a tenant gives names to networks, so this tells nobody of one it can't see.
      CONSTRAINT networks_name_taken UNIQUE (tenant_id, name)
    );
    CREATE TABLE membership_networks (
      tenant_id uuid NOT NULL,
      account_id uuid NOT NULL,
      network_id uuid NOT NULL,
      PRIMARY KEY (tenant_id, account_id, network_id),
      FOREIGN KEY (tenant_id, account_id) REFERENCES memberships ON DELETE CASCADE,
      CONSTRAINT membership_networks_of_network
        FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX membership_networks_by_network ON membership_networks (tenant_id, network_id);
    CREATE TABLE devices (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants,
      -- Unique among those that who gives it sees: a constraint would tell of devices in networks it can't see.
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      world_type text NOT NULL CHECK (world_type IN ('jotunheim', 'midgard', 'alfheim', 'asgard')),
      token_id uuid NOT NULL UNIQUE,
      token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
      signing_key_sealed bytea NOT NULL,
      capabilities jsonb,
      last_seen_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (tenant_id, id)
    );
    CREATE INDEX devices_by_name ON devices (tenant_id, name);
    CREATE TABLE network_members (
      -- The network's tenant.
      tenant_id uuid NOT NULL,
      network_id uuid NOT NULL,
      device_tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      -- Who brought a device of another tenant: it stays for as long as this account is a member.
      account_id uuid,
      joined_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (network_id, device_id),
      CHECK ((account_id IS NULL) = (tenant_id = device_tenant_id)),
      CONSTRAINT network_members_of_network
        FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT network_members_of_device
        FOREIGN KEY (device_tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT network_members_of_member
        FOREIGN KEY (tenant_id, account_id) REFERENCES memberships (tenant_id, account_id) ON DELETE CASCADE
    );
    CREATE INDEX network_members_by_device ON network_members (device_id);
    CREATE INDEX network_members_by_member ON network_members (tenant_id, account_id) WHERE account_id IS NOT NULL;

    -- Of the current tenant: the networks a membership is for, or, for a device, those of any tenant it belongs to.
    CREATE FUNCTION visible_network_ids() RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT network_id FROM membership_networks
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())
        UNION ALL
        SELECT network_id FROM network_members
        WHERE device_tenant_id = (SELECT current_tenant_id()) AND device_id = (SELECT current_device_id());
      END;
    CREATE FUNCTION may_see_network(network uuid) RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN sees_whole_tenant() OR network IN (SELECT visible_network_ids());
    -- True when the account that acts is a member of another tenant, for this network of it.
    CREATE FUNCTION is_invited(network_tenant uuid, network uuid) RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = network_tenant AND account_id = (SELECT current_account_id())
          AND (all_networks OR EXISTS (
            SELECT FROM membership_networks
            WHERE membership_networks.tenant_id = network_tenant AND network_id = network
              AND membership_networks.account_id = (SELECT current_account_id()))));
    -- What a tenant sees of devices of others in the networks that who acts may see: nothing else of them is shown.
    CREATE FUNCTION guest_devices() RETURNS TABLE (
        id uuid, name text, world_type text, network_id uuid, joined_at timestamptz)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT devices.id, devices.name, devices.world_type, network_members.network_id, network_members.joined_at
        FROM network_members JOIN devices
          ON devices.tenant_id = network_members.device_tenant_id AND devices.id = network_members.device_id
        WHERE network_members.tenant_id = (SELECT current_tenant_id())
          AND network_members.device_tenant_id <> (SELECT current_tenant_id())
          AND ((SELECT sees_whole_tenant()) OR network_members.network_id IN (SELECT visible_network_ids()));
      END;
    REVOKE EXECUTE ON FUNCTION visible_network_ids(), may_see_network(uuid), is_invited(uuid, uuid), guest_devices()
      FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION visible_network_ids(), may_see_network(uuid), is_invited(uuid, uuid), guest_devices()
      TO yggdrasil_tenant;

    ALTER TABLE networks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE networks FORCE ROW LEVEL SECURITY;
    ALTER TABLE membership_networks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE membership_networks FORCE ROW LEVEL SECURITY;
    ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE devices FORCE ROW LEVEL SECURITY;
    ALTER TABLE network_members ENABLE ROW LEVEL SECURITY;
    ALTER TABLE network_members FORCE ROW LEVEL SECURITY;

    CREATE POLICY visible ON networks FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON networks FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON networks FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON networks FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));

    CREATE POLICY visible ON membership_networks FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (account_id = (SELECT current_account_id()) OR (SELECT sees_whole_tenant())));
    CREATE POLICY added ON membership_networks FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON membership_networks FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));

    -- A tenant sees who is in its networks. Where its own device is a guest, only who brought it there sees, and the
    -- device itself; for the device also who else is in its networks.
    CREATE POLICY visible ON network_members FOR SELECT TO yggdrasil_tenant USING (
      (tenant_id = (SELECT current_tenant_id())
        AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())))
      OR (device_tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()))
      OR ((SELECT current_device_id()) IS NOT NULL AND network_id IN (SELECT visible_network_ids())));
    CREATE POLICY joined ON network_members FOR INSERT TO yggdrasil_tenant WITH CHECK (
      device_tenant_id = (SELECT current_tenant_id())
      AND (SELECT changes_devices())
      AND CASE WHEN tenant_id = (SELECT current_tenant_id()) THEN may_see_network(network_id)
        ELSE account_id = (SELECT current_account_id()) AND is_invited(tenant_id, network_id) END);
    CREATE POLICY left_or_sent ON network_members FOR DELETE TO yggdrasil_tenant USING (
      (tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices())
        AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())))
      OR ((SELECT current_tenant_id()) IN (tenant_id, device_tenant_id) AND account_id = (SELECT current_account_id())));

    -- A device sees itself; an account the devices of the networks it sees.
    CREATE POLICY visible ON devices FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND (id = (SELECT current_device_id()) OR (SELECT sees_whole_tenant()) OR EXISTS (
        SELECT FROM network_members
        WHERE network_members.tenant_id = (SELECT current_tenant_id()) AND device_id = devices.id)));
    CREATE POLICY added ON devices FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()));
    CREATE POLICY changed ON devices FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND (id = (SELECT current_device_id())
        OR ((SELECT changes_devices()) AND ((SELECT sees_whole_tenant()) OR EXISTS (
          SELECT FROM network_members
          WHERE network_members.tenant_id = (SELECT current_tenant_id()) AND device_id = devices.id)))));
    CREATE POLICY removed ON devices FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices()) AND (SELECT sees_whole_tenant()));

    CREATE POLICY functions ON membership_networks FOR SELECT TO CURRENT_USER USING (
      tenant_id = (SELECT current_tenant_id()) OR account_id = (SELECT current_account_id()));
    CREATE POLICY functions ON network_members FOR SELECT TO CURRENT_USER USING (
      tenant_id = (SELECT current_tenant_id()) OR device_tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY functions ON devices FOR SELECT TO CURRENT_USER USING (
      tenant_id = (SELECT current_tenant_id()) OR EXISTS (
        SELECT FROM network_members
        WHERE network_members.tenant_id = (SELECT current_tenant_id()) AND device_id = devices.id));
    CREATE POLICY server ON membership_networks TO yggdrasil_identity USING (true);
    CREATE POLICY server ON devices TO yggdrasil_identity USING (true);
    CREATE POLICY server ON network_members TO yggdrasil_identity, yggdrasil_relay USING (true);

    GRANT SELECT, INSERT, DELETE ON networks, membership_networks, devices, network_members TO yggdrasil_tenant;
    GRANT UPDATE (name) ON networks TO yggdrasil_tenant;
    GRANT UPDATE (name, token_id, token_hash, capabilities, last_seen_at) ON devices TO yggdrasil_tenant;
    -- Identity
    GRANT SELECT ON membership_networks, devices, network_members TO yggdrasil_identity;
    -- Who receives a stored frame
    GRANT SELECT ON network_members TO yggdrasil_relay;
  `,
  down: `
    DROP POLICY visible ON networks;
    DROP POLICY visible ON network_members;
    DROP POLICY joined ON network_members;
    DROP POLICY left_or_sent ON network_members;
    DROP POLICY visible ON devices;
    DROP POLICY changed ON devices;
    DROP POLICY functions ON devices;
    DROP FUNCTION guest_devices();
    DROP FUNCTION is_invited(uuid, uuid);
    DROP FUNCTION may_see_network(uuid);
    DROP FUNCTION visible_network_ids();
    DROP TABLE network_members;
    DROP TABLE devices;
    DROP TABLE membership_networks;
    DROP TABLE networks;
  `,
};
