import type { Migration } from './migration.ts';

/** Networks, devices, and which device belongs to which network. */
export const devices: Migration = {
  name: '0003-devices',
  up: `
    CREATE TABLE networks (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (tenant_id, id),
      CONSTRAINT networks_name_taken UNIQUE (tenant_id, name)
    );
    CREATE TABLE devices (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      world_type text NOT NULL CHECK (world_type IN ('jotunheim', 'midgard', 'alfheim', 'asgard')),
      token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
      signing_key_sealed bytea NOT NULL,
      capabilities jsonb,
      last_seen_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (tenant_id, id),
      CONSTRAINT devices_name_taken UNIQUE (tenant_id, name),
      FOREIGN KEY (tenant_id) REFERENCES tenants
    );
    CREATE TABLE network_members (
      tenant_id uuid NOT NULL,
      network_id uuid NOT NULL,
      device_id uuid NOT NULL,
      joined_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (network_id, device_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX network_members_by_device ON network_members (device_id);

    ALTER TABLE networks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE networks FORCE ROW LEVEL SECURITY;
    ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE devices FORCE ROW LEVEL SECURITY;
    ALTER TABLE network_members ENABLE ROW LEVEL SECURITY;
    ALTER TABLE network_members FORCE ROW LEVEL SECURITY;

    CREATE POLICY own_tenant ON networks TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY own_tenant ON devices TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY own_tenant ON network_members TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY server ON devices TO yggdrasil_identity USING (true);
    CREATE POLICY server ON network_members TO yggdrasil_identity, yggdrasil_relay USING (true);

    GRANT SELECT, INSERT ON networks TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON devices, network_members TO yggdrasil_tenant;
    GRANT UPDATE (capabilities, last_seen_at) ON devices TO yggdrasil_tenant;
    GRANT SELECT ON devices, network_members TO yggdrasil_identity;
    GRANT SELECT ON network_members TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE network_members;
    DROP TABLE devices;
    DROP TABLE networks;
  `,
};
