import type { Migration } from './migration.ts';

/** Sign-ins whose tokens are short and change: refresh tokens, and the keys that access tokens are signed with. */
export const refreshTokens: Migration = {
  name: '0110-refresh-tokens',
  up: `
    -- One row a sign-in: the half of its refresh token that changes. token_hash of account_tokens is of the half that stays.
    CREATE TABLE refresh_tokens (
      credential_id uuid PRIMARY KEY REFERENCES account_tokens ON DELETE CASCADE,
      current_hash bytea NOT NULL CHECK (length(current_hash) = 32),
      -- The one before, which is taken again for a moment: its answer may be lost. Null: there was none.
      previous_hash bytea CHECK (length(previous_hash) = 32),
      rotated_at timestamptz NOT NULL,
      -- It ends then, however often it is used. Null: no such time.
      cap timestamptz
    );
    CREATE TABLE access_token_keys (
      id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
      public_key bytea NOT NULL CHECK (length(public_key) = 32),
      private_key_sealed bytea NOT NULL,
      created_at timestamptz NOT NULL,
      -- It is published before, so that nobody meets a key that he has not read.
      signs_from timestamptz NOT NULL
    );
    ALTER TABLE program_sign_ins ADD wants_refresh boolean NOT NULL DEFAULT false;
    ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY;
    ALTER TABLE refresh_tokens FORCE ROW LEVEL SECURITY;
    ALTER TABLE access_token_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE access_token_keys FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON refresh_tokens TO yggdrasil_identity USING (true);
    CREATE POLICY server ON access_token_keys TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT ON refresh_tokens TO yggdrasil_identity;
    GRANT UPDATE (current_hash, previous_hash, rotated_at) ON refresh_tokens TO yggdrasil_identity;
    GRANT SELECT, INSERT, DELETE ON access_token_keys TO yggdrasil_identity;
    GRANT UPDATE (private_key_sealed) ON access_token_keys TO yggdrasil_identity;
    GRANT UPDATE (token_hash, expires_at) ON account_tokens TO yggdrasil_identity;
  `,
  down: `
    REVOKE UPDATE (token_hash, expires_at) ON account_tokens FROM yggdrasil_identity;
    ALTER TABLE program_sign_ins DROP wants_refresh;
    DROP TABLE access_token_keys;
    DROP TABLE refresh_tokens;
  `,
};
