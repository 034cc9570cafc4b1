import type { Migration } from './migration.ts';

/**
 * Sign-in by e-mail: the address of an account, the codes that were sent to addresses, and tokens that end by themselves. An
 * address is kept in the one form that it is compared in.
 */
export const signIn: Migration = {
  name: '0009-sign-in',
  up: `
    ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_kind_check;
    ALTER TABLE account_tokens
      ADD CONSTRAINT account_tokens_kind_check CHECK (kind IN ('personal', 'session')),
      -- Null: until it is revoked.
      ADD expires_at timestamptz,
      ADD last_used_at timestamptz,
      ADD CONSTRAINT account_tokens_session_ends CHECK (kind <> 'session' OR expires_at IS NOT NULL);
    CREATE INDEX account_tokens_by_expiry ON account_tokens (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE account_addresses (
      account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
      address text NOT NULL UNIQUE CHECK (length(address) BETWEEN 3 AND 254)
    );
    CREATE TABLE sign_in_codes (
      id uuid PRIMARY KEY,
      address text NOT NULL CHECK (length(address) BETWEEN 3 AND 254),
      code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
      -- Of the account that the code makes where the address has none; null: it makes none.
      account_name text CHECK (length(account_name) BETWEEN 1 AND 100),
      tries_left smallint NOT NULL CHECK (tries_left >= 0),
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX sign_in_codes_by_address ON sign_in_codes (address, created_at);
    CREATE INDEX sign_in_codes_by_age ON sign_in_codes (created_at);

    ALTER TABLE account_addresses ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_addresses FORCE ROW LEVEL SECURITY;
    ALTER TABLE sign_in_codes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE sign_in_codes FORCE ROW LEVEL SECURITY;
    -- One's own, in whichever of one's tenants one acts.
    CREATE POLICY own ON account_addresses FOR SELECT TO yggdrasil_tenant USING (
      account_id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    CREATE POLICY own_name ON accounts FOR UPDATE TO yggdrasil_tenant USING (
      id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    CREATE POLICY server ON account_addresses TO yggdrasil_identity USING (true);
    CREATE POLICY server ON sign_in_codes TO yggdrasil_identity USING (true);
    GRANT SELECT ON account_addresses TO yggdrasil_tenant;
    GRANT SELECT (expires_at, last_used_at) ON account_tokens TO yggdrasil_tenant;
    GRANT UPDATE (name) ON accounts TO yggdrasil_tenant;
    GRANT SELECT, INSERT ON account_addresses TO yggdrasil_identity;
    GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_codes TO yggdrasil_identity;
    GRANT UPDATE (last_used_at), DELETE ON account_tokens TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE sign_in_codes;
    DROP TABLE account_addresses;
    DROP POLICY own_name ON accounts;
    REVOKE UPDATE (name) ON accounts FROM yggdrasil_tenant;
    REVOKE UPDATE (last_used_at), DELETE ON account_tokens FROM yggdrasil_identity;
    ALTER TABLE account_tokens NO FORCE ROW LEVEL SECURITY;
    DELETE FROM account_tokens WHERE kind = 'session';
    ALTER TABLE account_tokens FORCE ROW LEVEL SECURITY;
    ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_session_ends, DROP CONSTRAINT account_tokens_kind_check;
    ALTER TABLE account_tokens DROP expires_at, DROP last_used_at,
      ADD CONSTRAINT account_tokens_kind_check CHECK (kind IN ('personal'));
  `,
};
