import type { Migration } from './migration.ts';

/** Passkeys of accounts, the challenges that they answer, and sign-ins that wait for one. */
export const passkeys: Migration = {
  name: '0044-passkeys',
  up: `
    CREATE TABLE account_passkeys (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- What the authenticator calls it (Web Authentication Level 3, section 4: at most 1023 bytes).
      credential_id bytea NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
      -- A COSE key.
      public_key bytea NOT NULL CHECK (length(public_key) BETWEEN 1 AND 4096),
      -- How often it was used, as it says; 0: it doesn't count.
      sign_count bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      -- It may be on several devices of its owner, and is.
      is_synced boolean NOT NULL,
      is_backed_up boolean NOT NULL,
      created_at timestamptz NOT NULL,
      last_used_at timestamptz
    );
    CREATE INDEX account_passkeys_by_account ON account_passkeys (account_id, created_at);
    CREATE TABLE passkey_challenges (
      id uuid PRIMARY KEY,
      challenge bytea NOT NULL CHECK (length(challenge) = 32),
      purpose text NOT NULL CHECK (purpose IN ('create', 'sign_in', 'prove')),
      -- Whose token asked for it, which alone may answer; null: somebody who signs in.
      credential_id uuid REFERENCES account_tokens ON DELETE CASCADE,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CHECK ((purpose = 'sign_in') = (credential_id IS NULL))
    );
    CREATE INDEX passkey_challenges_by_credential ON passkey_challenges (credential_id, created_at);
    CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);
    -- Accounts that nobody signs in to without a passkey.
    CREATE TABLE second_factors (
      account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
      required_at timestamptz NOT NULL
    );
    ALTER TABLE account_passkeys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_passkeys FORCE ROW LEVEL SECURITY;
    ALTER TABLE passkey_challenges ENABLE ROW LEVEL SECURITY;
    ALTER TABLE passkey_challenges FORCE ROW LEVEL SECURITY;
    ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY;
    ALTER TABLE second_factors FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON account_passkeys TO yggdrasil_identity USING (true);
    CREATE POLICY server ON passkey_challenges TO yggdrasil_identity USING (true);
    CREATE POLICY server ON second_factors TO yggdrasil_identity USING (true);
    CREATE POLICY own ON account_passkeys TO yggdrasil_tenant USING (
      account_id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    GRANT SELECT, INSERT, DELETE ON account_passkeys TO yggdrasil_identity;
    GRANT UPDATE (name, sign_count, is_backed_up, last_used_at) ON account_passkeys TO yggdrasil_identity;
    GRANT SELECT (account_id) ON account_passkeys TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON passkey_challenges TO yggdrasil_identity;
    GRANT SELECT, INSERT, DELETE ON second_factors TO yggdrasil_identity;
    ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_session_ends, DROP CONSTRAINT account_tokens_kind_check;
    ALTER TABLE account_tokens
      -- partial: of a sign-in that a passkey has to complete.
      ADD CONSTRAINT account_tokens_kind_check CHECK (kind IN ('personal', 'session', 'api_key', 'partial')),
      ADD CONSTRAINT account_tokens_session_ends CHECK (kind NOT IN ('session', 'partial') OR expires_at IS NOT NULL);
  `,
  down: `
    ALTER TABLE account_tokens NO FORCE ROW LEVEL SECURITY;
    DELETE FROM account_tokens WHERE kind = 'partial';
    ALTER TABLE account_tokens FORCE ROW LEVEL SECURITY;
    ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_session_ends, DROP CONSTRAINT account_tokens_kind_check;
    ALTER TABLE account_tokens
      ADD CONSTRAINT account_tokens_kind_check CHECK (kind IN ('personal', 'session', 'api_key')),
      ADD CONSTRAINT account_tokens_session_ends CHECK (kind <> 'session' OR expires_at IS NOT NULL);
    DROP TABLE second_factors;
    DROP TABLE passkey_challenges;
    DROP TABLE account_passkeys;
  `,
};
