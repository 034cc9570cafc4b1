import type { Migration } from './migration.ts';

/**
 * The keys that secrets in the database are sealed under, each sealed under the master key of `secrets.json`: a new master key changes
 * these rows and no secret. What was sealed under the master key itself is sealed anew when that is rotated.
 */
export const dataKeys: Migration = {
  name: '0033-data-keys',
  up: `
    CREATE TABLE data_keys (
      id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
      master_key_id text NOT NULL CHECK (master_key_id ~ '^[0-9a-f]{16}$'),
      key_sealed bytea NOT NULL
    );
    ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON data_keys TO yggdrasil_node USING (true);
    GRANT SELECT, INSERT ON data_keys TO yggdrasil_node;
    GRANT UPDATE (master_key_id, key_sealed) ON data_keys TO yggdrasil_node;
    GRANT UPDATE (private_key_sealed) ON audit_keys TO yggdrasil_node;
    GRANT UPDATE (signing_key_sealed) ON devices TO yggdrasil_identity;
  `,
  down: `
    REVOKE UPDATE (signing_key_sealed) ON devices FROM yggdrasil_identity;
    REVOKE UPDATE (private_key_sealed) ON audit_keys FROM yggdrasil_node;
    DROP TABLE data_keys;
  `,
};
