import type { Migration } from './migration.ts';

/** Keys with which a fleet of devices registers itself, and the devices that did. */
export const bootstrapKeys: Migration = {
  name: '0050-bootstrap-keys',
  up: `
    CREATE TABLE bootstrap_keys (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      network_id uuid NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      key_hash bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
      -- Null: any.
      world_types text[] CHECK (cardinality(world_types) BETWEEN 1 AND 10),
      devices_max integer NOT NULL CHECK (devices_max BETWEEN 1 AND 100000),
      devices_used integer NOT NULL DEFAULT 0 CHECK (devices_used BETWEEN 0 AND devices_max),
      made_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      -- Who is no member any more lets no device in.
      FOREIGN KEY (tenant_id, made_by) REFERENCES memberships (tenant_id, account_id) ON DELETE CASCADE,
      CONSTRAINT bootstrap_keys_of_network
        FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX bootstrap_keys_by_tenant ON bootstrap_keys (tenant_id, created_at, id);
    CREATE INDEX bootstrap_keys_by_maker ON bootstrap_keys (tenant_id, made_by);
    CREATE INDEX bootstrap_keys_by_network ON bootstrap_keys (tenant_id, network_id);
    CREATE TABLE bootstrap_devices (
      key_id uuid NOT NULL REFERENCES bootstrap_keys ON DELETE CASCADE,
      hardware_id text NOT NULL CHECK (length(hardware_id) BETWEEN 1 AND 64),
      -- Of what only the device knows: who has the key alone gets no other device's credentials.
      secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
      -- Under which the latest attempt registers it: what one that came to no end has left is found by this.
      planned_id uuid NOT NULL,
      device_id uuid REFERENCES devices ON DELETE CASCADE,
      -- For a device whose answer was lost.
      credentials_sealed bytea,
      reserved_at timestamptz NOT NULL,
      PRIMARY KEY (key_id, hardware_id)
    );
    CREATE INDEX bootstrap_devices_by_device ON bootstrap_devices (device_id);
    CREATE INDEX bootstrap_devices_by_age ON bootstrap_devices (reserved_at) WHERE credentials_sealed IS NOT NULL;
    ALTER TABLE bootstrap_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE bootstrap_keys FORCE ROW LEVEL SECURITY;
    ALTER TABLE bootstrap_devices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE bootstrap_devices FORCE ROW LEVEL SECURITY;
    CREATE POLICY administered ON bootstrap_keys TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON bootstrap_keys TO yggdrasil_identity USING (true);
    CREATE POLICY server ON bootstrap_devices TO yggdrasil_identity USING (true);
    -- Not the hash: who may see keys may not use them for others.
    GRANT SELECT (id, tenant_id, network_id, name, world_types, devices_max, devices_used, made_by, created_at, expires_at),
      INSERT, DELETE ON bootstrap_keys TO yggdrasil_tenant;
    GRANT SELECT ON bootstrap_keys TO yggdrasil_identity;
    GRANT UPDATE (devices_used) ON bootstrap_keys TO yggdrasil_identity;
    GRANT SELECT, INSERT, DELETE ON bootstrap_devices TO yggdrasil_identity;
    GRANT UPDATE (planned_id, device_id, credentials_sealed, reserved_at) ON bootstrap_devices TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE bootstrap_devices;
    DROP TABLE bootstrap_keys;
  `,
};
