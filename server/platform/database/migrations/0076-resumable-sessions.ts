import type { Migration } from './migration.ts';

/** Sessions of Ratatoskr that can be taken up again, one time. */
export const resumableSessions: Migration = {
  name: '0076-resumable-sessions',
  up: `
    CREATE TABLE resumable_sessions (
      ticket_hash bytea PRIMARY KEY CHECK (length(ticket_hash) = 32),
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      -- Whose it is: its token, its tenant, its static key.
      holder_sealed bytea NOT NULL,
      expires_at timestamptz NOT NULL,
      used_at timestamptz
    );
    CREATE INDEX resumable_sessions_by_tenant ON resumable_sessions (tenant_id, expires_at);
    CREATE INDEX resumable_sessions_by_age ON resumable_sessions (expires_at);
    ALTER TABLE resumable_sessions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE resumable_sessions FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON resumable_sessions TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON resumable_sessions TO yggdrasil_identity;
    GRANT UPDATE (expires_at, used_at) ON resumable_sessions TO yggdrasil_identity;
  `,
  down: 'DROP TABLE resumable_sessions;',
};
