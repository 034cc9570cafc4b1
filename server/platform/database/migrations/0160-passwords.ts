import type { Migration } from './migration.ts';

/** Passwords of accounts, as hashes by argon2id. */
export const passwords: Migration = {
  name: '0160-passwords',
  up: `
    CREATE TABLE account_passwords (
      account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
      -- A PHC string: algorithm, cost, salt and hash.
      password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%' AND length(password_hash) <= 200),
      changed_at timestamptz NOT NULL
    );
    ALTER TABLE account_passwords ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_passwords FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON account_passwords TO yggdrasil_identity USING (true);
    CREATE POLICY own ON account_passwords TO yggdrasil_tenant USING (
      account_id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    GRANT SELECT (account_id) ON account_passwords TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON account_passwords TO yggdrasil_identity;
    GRANT UPDATE (password_hash, changed_at) ON account_passwords TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE account_passwords;
  `,
};
