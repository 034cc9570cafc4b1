import type { Migration } from './migration.ts';

/** Sign-in with issuers of OpenID Connect: who an account is there, and sign-ins whose browser is on its way. */
export const identities: Migration = {
  name: '0013-identities',
  up: `
    CREATE TABLE account_identities (
      issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 500),
      subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      created_at timestamptz NOT NULL,
      PRIMARY KEY (issuer, subject)
    );
    CREATE INDEX account_identities_by_account ON account_identities (account_id);
    CREATE TABLE pending_sign_ins (
      state text PRIMARY KEY CHECK (length(state) BETWEEN 20 AND 100),
      -- SHA-256 of what the browser keeps: another browser can't bring the answer.
      browser_hash bytea NOT NULL CHECK (length(browser_hash) = 32),
      provider text NOT NULL,
      nonce text NOT NULL,
      code_verifier text NOT NULL,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX pending_sign_ins_by_expiry ON pending_sign_ins (expires_at);
    ALTER TABLE account_identities ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_identities FORCE ROW LEVEL SECURITY;
    ALTER TABLE pending_sign_ins ENABLE ROW LEVEL SECURITY;
    ALTER TABLE pending_sign_ins FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON account_identities TO yggdrasil_identity USING (true);
    CREATE POLICY server ON pending_sign_ins TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT ON account_identities TO yggdrasil_identity;
    GRANT SELECT, INSERT, DELETE ON pending_sign_ins TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE pending_sign_ins;
    DROP TABLE account_identities;
  `,
};
