import type { Migration } from './migration.ts';

/** Releases of firmware and scripts: the keys that may sign them, what is signed, and the content in parts. */
export const releases: Migration = {
  name: '0093-releases',
  up: `
    CREATE TABLE release_keys (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      -- Null: for all networks of the tenant.
      network_id uuid,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      public_key bytea NOT NULL CHECK (length(public_key) = 32),
      created_at timestamptz NOT NULL,
      UNIQUE (tenant_id, id),
      CONSTRAINT release_keys_taken UNIQUE (tenant_id, public_key),
      CONSTRAINT release_keys_of_network
        FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX release_keys_by_network ON release_keys (tenant_id, network_id) WHERE network_id IS NOT NULL;

    CREATE TABLE releases (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      key_id uuid NOT NULL,
      -- Those of the manifest, to be found and unique by.
      kind text NOT NULL CHECK (kind IN ('firmware', 'script')),
      name text NOT NULL,
      target text NOT NULL,
      version bigint NOT NULL CHECK (version > 0),
      content_bytes bigint NOT NULL CHECK (content_bytes > 0),
      manifest bytea NOT NULL CHECK (length(manifest) = 96),
      signature bytea NOT NULL CHECK (length(signature) = 64),
      received_bytes bigint NOT NULL DEFAULT 0 CHECK (received_bytes BETWEEN 0 AND content_bytes),
      -- When all bytes were there and had the hash of the manifest.
      completed_at timestamptz,
      created_at timestamptz NOT NULL,
      UNIQUE (tenant_id, id),
      CONSTRAINT releases_taken UNIQUE (tenant_id, kind, name, target, version),
      FOREIGN KEY (tenant_id, key_id) REFERENCES release_keys (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX releases_by_key ON releases (tenant_id, key_id);
    CREATE INDEX releases_by_creation ON releases (tenant_id, created_at, id);

    CREATE TABLE release_parts (
      release_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      index integer NOT NULL CHECK (index >= 0),
      data bytea NOT NULL,
      PRIMARY KEY (release_id, index),
      FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX release_parts_by_tenant ON release_parts (tenant_id, release_id);
    -- Not compressed: a piece is read without the rest of its part.
    ALTER TABLE release_parts ALTER COLUMN data SET STORAGE EXTERNAL;

    ALTER TABLE release_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE release_keys FORCE ROW LEVEL SECURITY;
    ALTER TABLE releases ENABLE ROW LEVEL SECURITY;
    ALTER TABLE releases FORCE ROW LEVEL SECURITY;
    ALTER TABLE release_parts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE release_parts FORCE ROW LEVEL SECURITY;
    CREATE POLICY visible ON release_keys FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON release_keys FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON release_keys FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON release_keys FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY visible ON releases FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON releases FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON releases FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON releases FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON releases FOR SELECT TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON release_parts FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON release_parts FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON release_parts FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON release_parts FOR SELECT TO yggdrasil_relay USING (true);

    GRANT SELECT, INSERT, DELETE ON release_keys, releases, release_parts TO yggdrasil_tenant;
    -- Rows that are locked need it; nothing else of a key changes.
    GRANT UPDATE (name) ON release_keys TO yggdrasil_tenant;
    GRANT UPDATE (received_bytes, completed_at) ON releases TO yggdrasil_tenant;
    GRANT SELECT ON releases, release_parts TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE release_parts;
    DROP TABLE releases;
    DROP TABLE release_keys;
  `,
};
