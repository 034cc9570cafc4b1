import type { Migration } from './migration.ts';

/** Programs that wait until somebody lets them in (RFC 8628), and recovery codes. */
export const waysIn: Migration = {
  name: '0021-ways-in',
  up: `
    CREATE TABLE program_sign_ins (
      device_code_hash bytea PRIMARY KEY CHECK (length(device_code_hash) = 32),
      user_code_hash bytea NOT NULL UNIQUE CHECK (length(user_code_hash) = 32),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      -- The address that it came from, as limits count it.
      client text NOT NULL CHECK (length(client) BETWEEN 1 AND 100),
      state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'allowed', 'denied')),
      -- Who lets it in.
      account_id uuid REFERENCES accounts ON DELETE CASCADE,
      -- With what: when that is revoked before the program comes for its token, it gets none.
      credential_id uuid REFERENCES account_tokens ON DELETE CASCADE,
      interval_seconds integer NOT NULL CHECK (interval_seconds > 0),
      -- Null: it has not asked yet.
      asked_at timestamptz,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CHECK ((account_id IS NOT NULL) = (state = 'allowed')),
      CHECK ((account_id IS NULL) = (credential_id IS NULL))
    );
    CREATE INDEX program_sign_ins_by_client ON program_sign_ins (client, expires_at);
    CREATE INDEX program_sign_ins_by_expiry ON program_sign_ins (expires_at);
    CREATE INDEX program_sign_ins_by_account ON program_sign_ins (account_id);
    CREATE INDEX program_sign_ins_by_credential ON program_sign_ins (credential_id);
    ALTER TABLE program_sign_ins ENABLE ROW LEVEL SECURITY;
    ALTER TABLE program_sign_ins FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON program_sign_ins TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON program_sign_ins TO yggdrasil_identity;
    GRANT UPDATE (state, account_id, credential_id, interval_seconds, asked_at) ON program_sign_ins TO yggdrasil_identity;
    CREATE TABLE recovery_codes (
      code_hash bytea PRIMARY KEY CHECK (length(code_hash) = 32),
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      created_at timestamptz NOT NULL
    );
    CREATE INDEX recovery_codes_by_account ON recovery_codes (account_id);
    ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE recovery_codes FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON recovery_codes TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON recovery_codes TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE recovery_codes;
    DROP TABLE program_sign_ins;
  `,
};
