import type { Migration } from './migration.ts';

/**
 * Changes of an account's address that wait for their codes,
 * from where an account was signed in to, and identities that their account sees and removes.
 */
export const accountChanges: Migration = {
  name: '0019-account-changes',
  up: `
    CREATE TABLE address_changes (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- Null: the account had none when the change began.
      current_address text CHECK (length(current_address) BETWEEN 3 AND 254),
      new_address text NOT NULL CHECK (length(new_address) BETWEEN 3 AND 254),
      current_code_hash bytea CHECK (length(current_code_hash) = 32),
      new_code_hash bytea NOT NULL CHECK (length(new_code_hash) = 32),
      tries_left smallint NOT NULL CHECK (tries_left >= 0),
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CHECK ((current_address IS NULL) = (current_code_hash IS NULL))
    );
    CREATE INDEX address_changes_by_account ON address_changes (account_id, created_at);
    CREATE INDEX address_changes_by_address ON address_changes (new_address, created_at);
    CREATE INDEX address_changes_by_age ON address_changes (created_at);
    ALTER TABLE address_changes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE address_changes FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON address_changes TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON address_changes TO yggdrasil_identity;
    GRANT UPDATE (tries_left) ON address_changes TO yggdrasil_identity;
    CREATE TABLE known_sign_ins (
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- SHA-256 of the account, the address and the program: they themselves are not kept.
      origin_hash bytea NOT NULL CHECK (length(origin_hash) = 32),
      last_used_at timestamptz NOT NULL,
      -- When a mail told of it; null: none did.
      noticed_at timestamptz,
      PRIMARY KEY (account_id, origin_hash)
    );
    ALTER TABLE known_sign_ins ENABLE ROW LEVEL SECURITY;
    ALTER TABLE known_sign_ins FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON known_sign_ins TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON known_sign_ins TO yggdrasil_identity;
    GRANT UPDATE (last_used_at) ON known_sign_ins TO yggdrasil_identity;
    ALTER TABLE account_identities ADD id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid();
    ALTER TABLE account_identities ALTER id DROP DEFAULT;
    CREATE POLICY own ON account_identities TO yggdrasil_tenant USING (
      account_id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    GRANT SELECT (id, issuer, account_id, created_at), DELETE ON account_identities TO yggdrasil_tenant;
    GRANT UPDATE (address) ON account_addresses TO yggdrasil_identity;
  `,
  down: `
    REVOKE UPDATE (address) ON account_addresses FROM yggdrasil_identity;
    DROP POLICY own ON account_identities;
    REVOKE ALL ON account_identities FROM yggdrasil_tenant;
    ALTER TABLE account_identities DROP id;
    DROP TABLE known_sign_ins;
    DROP TABLE address_changes;
  `,
};
