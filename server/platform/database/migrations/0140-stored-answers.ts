import type { Migration } from './migration.ts';

/** Answers of the market that an account asked for in a tenant and may come back for. What they say is sealed. */
export const storedAnswers: Migration = {
  name: '0140-stored-answers',
  up: `
    CREATE TABLE stored_answers (
      kind text NOT NULL CHECK (kind IN ('response', 'request')),
      id uuid NOT NULL,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- False: it was at work when this was written.
      has_ended boolean NOT NULL,
      content bytea NOT NULL,
      bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(content)) STORED,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (kind, id)
    );
    -- All that making room looks at.
    CREATE INDEX stored_answers_of_tenant ON stored_answers (tenant_id, account_id, has_ended, created_at, id, kind, bytes);
    CREATE INDEX stored_answers_by_account ON stored_answers (account_id);
    CREATE INDEX stored_answers_by_expiry ON stored_answers (expires_at);
    ALTER TABLE stored_answers ENABLE ROW LEVEL SECURITY;
    ALTER TABLE stored_answers FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON stored_answers TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()));
    CREATE POLICY server ON stored_answers TO yggdrasil_money USING (true);
    GRANT SELECT, DELETE ON stored_answers TO yggdrasil_tenant;
    GRANT UPDATE (content, has_ended) ON stored_answers TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON stored_answers TO yggdrasil_money;
  `,
  down: 'DROP TABLE stored_answers;',
};
