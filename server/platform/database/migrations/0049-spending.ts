import type { Migration } from './migration.ts';

/**
 * What tenants may spend in a day and in a month, what they have spent each day, and what is set aside for requests that have not ended.
 * Counted in the transactions that move the money.
 */
export const spending: Migration = {
  name: '0049-spending',
  up: `
    CREATE TABLE spending_limits (
      tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
      -- The tenant's own choice; null: none.
      day_microcents_max bigint CHECK (day_microcents_max >= 0),
      month_microcents_max bigint CHECK (month_microcents_max >= 0)
    );
    -- The operator's, which the tenant sees and does not change.
    CREATE TABLE spending_quotas (
      tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
      day_microcents_max bigint CHECK (day_microcents_max >= 0),
      month_microcents_max bigint CHECK (month_microcents_max >= 0)
    );
    CREATE TABLE spending_days (
      tenant_id uuid NOT NULL,
      -- Of UTC.
      day date NOT NULL,
      spent_microcents bigint NOT NULL CHECK (spent_microcents >= 0),
      PRIMARY KEY (tenant_id, day)
    );
    CREATE INDEX spending_days_by_day ON spending_days (day);
    CREATE TABLE spending_holds (
      transaction_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      held_microcents bigint NOT NULL CHECK (held_microcents >= 0)
    );
    CREATE INDEX spending_holds_by_tenant ON spending_holds (tenant_id);

    ALTER TABLE spending_limits ENABLE ROW LEVEL SECURITY;
    ALTER TABLE spending_limits FORCE ROW LEVEL SECURITY;
    ALTER TABLE spending_quotas ENABLE ROW LEVEL SECURITY;
    ALTER TABLE spending_quotas FORCE ROW LEVEL SECURITY;
    ALTER TABLE spending_days ENABLE ROW LEVEL SECURITY;
    ALTER TABLE spending_days FORCE ROW LEVEL SECURITY;
    ALTER TABLE spending_holds ENABLE ROW LEVEL SECURITY;
    ALTER TABLE spending_holds FORCE ROW LEVEL SECURITY;

    CREATE POLICY own_tenant ON spending_limits FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON spending_limits FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON spending_limits FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY own_tenant ON spending_quotas FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY own_tenant ON spending_days FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY own_tenant ON spending_holds FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY server ON spending_limits FOR SELECT TO yggdrasil_money USING (true);
    CREATE POLICY server ON spending_quotas TO yggdrasil_money USING (true);
    CREATE POLICY server ON spending_days TO yggdrasil_money USING (true);
    CREATE POLICY server ON spending_holds TO yggdrasil_money USING (true);

    GRANT SELECT, INSERT, UPDATE ON spending_limits TO yggdrasil_tenant;
    GRANT SELECT ON spending_quotas, spending_days, spending_holds TO yggdrasil_tenant;
    GRANT SELECT ON spending_limits TO yggdrasil_money;
    GRANT SELECT, INSERT, UPDATE ON spending_quotas TO yggdrasil_money;
    GRANT SELECT, INSERT, UPDATE, DELETE ON spending_days, spending_holds TO yggdrasil_money;
  `,
  down: `
    DROP TABLE spending_holds;
    DROP TABLE spending_days;
    DROP TABLE spending_quotas;
    DROP TABLE spending_limits;
  `,
};
