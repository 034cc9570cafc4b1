import type { Migration } from './migration.ts';

/** Accounts that are to be deleted, and what the server may remove with them. */
export const accountDeletion: Migration = {
  name: '0020-account-deletion',
  up: `
    CREATE TABLE account_deletions (
      account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
      requested_at timestamptz NOT NULL,
      -- Until then it can be undone.
      due_at timestamptz NOT NULL,
      -- When it was tried last; null: not yet. One that waits for something doesn't keep the others waiting.
      tried_at timestamptz
    );
    CREATE INDEX account_deletions_by_due ON account_deletions (due_at);
    ALTER TABLE account_deletions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_deletions FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON account_deletions TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON account_deletions TO yggdrasil_identity;
    GRANT UPDATE (tried_at) ON account_deletions TO yggdrasil_identity;
    GRANT DELETE ON accounts, tenants TO yggdrasil_identity;
    ALTER TABLE readings_tenants DROP CONSTRAINT readings_tenants_tenant_id_fkey;
    ALTER TABLE readings_tenants ADD CONSTRAINT readings_tenants_tenant_id_fkey
      FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE CASCADE;
  `,
  down: `
    ALTER TABLE readings_tenants DROP CONSTRAINT readings_tenants_tenant_id_fkey;
    ALTER TABLE readings_tenants ADD CONSTRAINT readings_tenants_tenant_id_fkey
      FOREIGN KEY (tenant_id) REFERENCES tenants;
    REVOKE DELETE ON accounts, tenants FROM yggdrasil_identity;
    DROP TABLE account_deletions;
  `,
};
