import type { Migration } from './migration.ts';

/**
 * API keys: tokens of an account that are limited to operations, models, devices, an amount of money and one tenant. What a
 * key has spent, and what is held for requests that came with it, is counted in the transactions that move the money.
 */
export const apiKeys: Migration = {
  name: '0011-api-keys',
  up: `
    ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_kind_check;
    ALTER TABLE account_tokens ADD CONSTRAINT account_tokens_kind_check
      CHECK (kind IN ('personal', 'session', 'api_key'));
    CREATE TABLE api_keys (
      credential_id uuid PRIMARY KEY REFERENCES account_tokens ON DELETE CASCADE,
      account_id uuid NOT NULL,
      -- The one tenant that it acts in.
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      operations text[] NOT NULL CHECK (cardinality(operations) BETWEEN 1 AND 100),
      -- Null: any.
      models text[] CHECK (cardinality(models) BETWEEN 1 AND 100),
      device_ids uuid[] CHECK (cardinality(device_ids) BETWEEN 1 AND 100),
      spend_microcents_max bigint CHECK (spend_microcents_max >= 0),
      spent_microcents bigint NOT NULL DEFAULT 0 CHECK (spent_microcents >= 0)
    );
    CREATE INDEX api_keys_by_account ON api_keys (account_id);
    CREATE TABLE api_key_holds (
      transaction_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      credential_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
      held_microcents bigint NOT NULL CHECK (held_microcents >= 0)
    );
    CREATE INDEX api_key_holds_by_key ON api_key_holds (credential_id);

    ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
    ALTER TABLE api_key_holds ENABLE ROW LEVEL SECURITY;
    ALTER TABLE api_key_holds FORCE ROW LEVEL SECURITY;
    -- A key is its account's alone, and is seen in the tenant that it acts in.
    CREATE POLICY own ON api_keys TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    CREATE POLICY own ON api_key_holds FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND EXISTS (
        SELECT FROM api_keys WHERE api_keys.credential_id = api_key_holds.credential_id));
    CREATE POLICY server ON api_keys TO yggdrasil_identity, yggdrasil_money USING (true);
    CREATE POLICY server ON api_key_holds TO yggdrasil_money USING (true);
    GRANT SELECT ON api_keys TO yggdrasil_tenant, yggdrasil_identity, yggdrasil_money;
    GRANT INSERT (credential_id, account_id, tenant_id, operations, models, device_ids, spend_microcents_max)
      ON api_keys TO yggdrasil_tenant;
    GRANT UPDATE (spent_microcents) ON api_keys TO yggdrasil_money;
    GRANT SELECT ON api_key_holds TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON api_key_holds TO yggdrasil_money;
  `,
  down: `
    DROP TABLE api_key_holds;
    DROP TABLE api_keys;
    ALTER TABLE account_tokens NO FORCE ROW LEVEL SECURITY;
    DELETE FROM account_tokens WHERE kind = 'api_key';
    ALTER TABLE account_tokens FORCE ROW LEVEL SECURITY;
    ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_kind_check;
    ALTER TABLE account_tokens ADD CONSTRAINT account_tokens_kind_check CHECK (kind IN ('personal', 'session'));
  `,
};
