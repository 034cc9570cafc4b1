import type { Migration } from './migration.ts';

/** Tenants that reach nothing for now, by whose word and why; what they have stays. */
export const suspensions: Migration = {
  name: '0015-suspensions',
  up: `
    CREATE TABLE tenant_suspensions (
      tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
      -- The operator; null: by a command on the machine.
      account_id uuid REFERENCES accounts ON DELETE SET NULL,
      reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
      suspended_at timestamptz NOT NULL
    );
    ALTER TABLE tenant_suspensions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tenant_suspensions FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON tenant_suspensions TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON tenant_suspensions TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE tenant_suspensions;
  `,
};
