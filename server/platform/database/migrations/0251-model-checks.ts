import type { Migration } from './migration.ts';

/** What checks have found of the models that providers serve. Written by the server alone; what is published is said by the market. */
export const modelChecks: Migration = {
  name: '0251-model-checks',
  up: `
    CREATE TABLE marketplace_checks (
      provider_id uuid NOT NULL,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      model text NOT NULL CHECK (length(model) BETWEEN 1 AND 128),
      verdict text NOT NULL CHECK (verdict IN ('unchecked', 'agrees', 'differs', 'doubted')),
      compared_tokens bigint NOT NULL CHECK (compared_tokens >= 0),
      -- Good ones in a row.
      valid_checks integer NOT NULL CHECK (valid_checks >= 0),
      checked_at timestamptz NOT NULL,
      -- Null: it isn't paused.
      paused_until timestamptz,
      PRIMARY KEY (provider_id, model)
    );
    CREATE INDEX marketplace_checks_by_tenant ON marketplace_checks (tenant_id);
    ALTER TABLE marketplace_checks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_checks FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON marketplace_checks TO yggdrasil_money USING (true);
    GRANT SELECT, INSERT, UPDATE ON marketplace_checks TO yggdrasil_money;
  `,
  down: `
    DROP TABLE marketplace_checks;
  `,
};
