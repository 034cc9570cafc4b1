import type { Migration } from './migration.ts';

/** What an account's requests to the market in a tenant ask for where they say nothing, and what they never go beyond. */
export const requestSettings: Migration = {
  name: '0120-request-settings',
  up: `
    CREATE TABLE account_request_settings (
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- Tried instead of any model, in this order; none: any model.
      models text[] NOT NULL CHECK (cardinality(models) <= 4),
      -- Null: anybody.
      only_providers text[] CHECK (cardinality(only_providers) <= 64),
      ignored_providers text[] NOT NULL CHECK (cardinality(ignored_providers) <= 64),
      provider_order text[] NOT NULL CHECK (cardinality(provider_order) <= 64),
      allows_others boolean NOT NULL,
      sort text CHECK (sort IN ('price', 'latency', 'throughput')),
      -- Micro-cents for 1000 tokens; null: no limit.
      prompt_price_max bigint CHECK (prompt_price_max >= 0),
      completion_price_max bigint CHECK (completion_price_max >= 0),
      cost_microcents_max bigint CHECK (cost_microcents_max >= 0),
      PRIMARY KEY (tenant_id, account_id)
    );
    ALTER TABLE account_request_settings ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_request_settings FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON account_request_settings TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()));
    CREATE INDEX account_request_settings_by_account ON account_request_settings (account_id);
    GRANT SELECT, INSERT, UPDATE ON account_request_settings TO yggdrasil_tenant;
  `,
  down: 'DROP TABLE account_request_settings;',
};
