import type { Migration } from './migration.ts';

/** Providers and what they offer, their quality, and the transactions as requester and provider see them. */
export const marketplace: Migration = {
  name: '0006-marketplace',
  up: `
CREATE TABLE marketplace_providers (
  -- What a requester sees: says nothing about device, network or tenant.
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL UNIQUE,
  slots integer NOT NULL CHECK (slots BETWEEN 1 AND 1000),
  offered_at timestamptz NOT NULL,
  -- Running comparison of what the provider said it counted with what passed through the server.
  claimed_tokens bigint NOT NULL DEFAULT 0,
  counted_tokens bigint NOT NULL DEFAULT 0
);
CREATE TABLE marketplace_models (
  provider_id uuid NOT NULL REFERENCES marketplace_providers (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  name text NOT NULL CHECK (name ~ '^[A-Za-z0-9._:/-]{1,128}$'),
  price_cents_per_1000_tokens bigint NOT NULL CHECK (price_cents_per_1000_tokens BETWEEN 0 AND 1000000),
  context_tokens integer NOT NULL CHECK (context_tokens BETWEEN 1 AND 10000000),
  PRIMARY KEY (provider_id, name)
);
CREATE TABLE quality_providers (
  provider_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  quality float8 NOT NULL,
  latency float8 NOT NULL,
  availability float8 NOT NULL,
  combined float8 NOT NULL,
  weight float8 NOT NULL,
  last_at timestamptz NOT NULL
);
-- The requester's row.
CREATE TABLE marketplace_transactions (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED')),
  model text NOT NULL,
  provider_id uuid NOT NULL,
  price_cents_per_1000_tokens bigint NOT NULL,
  attempts integer NOT NULL,
  held_cents bigint NOT NULL,
  prompt_tokens bigint NOT NULL,
  completion_tokens_max bigint NOT NULL,
  completion_tokens bigint NOT NULL DEFAULT 0,
  billed_tokens bigint NOT NULL DEFAULT 0,
  cost_cents bigint NOT NULL DEFAULT 0,
  fee_cents bigint NOT NULL DEFAULT 0,
  earnings_cents bigint NOT NULL DEFAULT 0,
  finish_reason text,
  failure_code text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  -- The server's own: who works on it, where the money goes, and what was decided before the ledger was asked.
  node_id text NOT NULL,
  hold_id uuid,
  provider_tenant_id uuid NOT NULL,
  intent_state text CHECK (intent_state IN ('COMPLETED', 'CANCELLED')),
  intent_at timestamptz,
  claimed_tokens bigint NOT NULL DEFAULT 0,
  counted_tokens bigint NOT NULL DEFAULT 0,
  CHECK (cost_cents = fee_cents + earnings_cents)
);
CREATE INDEX marketplace_transactions_of_account ON marketplace_transactions (account_id, created_at DESC, id DESC);
CREATE INDEX marketplace_transactions_open ON marketplace_transactions (created_at)
  WHERE state IN ('PENDING', 'PROCESSING');
-- The provider's row of the same transaction: nothing in it tells who asked.
CREATE TABLE marketplace_served (
  transaction_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  model text NOT NULL,
  state text NOT NULL,
  prompt_tokens bigint NOT NULL,
  completion_tokens bigint NOT NULL,
  billed_tokens bigint NOT NULL,
  cost_cents bigint NOT NULL,
  fee_cents bigint NOT NULL,
  earnings_cents bigint NOT NULL,
  finish_reason text,
  failure_code text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL
);
CREATE INDEX marketplace_served_of_tenant ON marketplace_served (tenant_id, created_at DESC, transaction_id DESC);

ALTER TABLE marketplace_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_models ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_models FORCE ROW LEVEL SECURITY;
ALTER TABLE quality_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE quality_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_transactions FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_served ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_served FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON marketplace_providers TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON marketplace_models TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON quality_providers TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON marketplace_transactions TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON marketplace_served TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY server ON marketplace_providers TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_models TO yggdrasil_money USING (true);
CREATE POLICY server ON quality_providers TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_transactions TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_served TO yggdrasil_money USING (true);

GRANT SELECT ON marketplace_providers, marketplace_models, quality_providers, marketplace_served TO yggdrasil_tenant;
-- Not the provider's tenant and owner: a requester never learns them, whatever statement runs.
GRANT SELECT (id, tenant_id, account_id, state, model, provider_id, price_cents_per_1000_tokens, attempts, held_cents,
  prompt_tokens, completion_tokens_max, completion_tokens, billed_tokens, cost_cents, fee_cents, earnings_cents,
  finish_reason, failure_code, created_at, finished_at) ON marketplace_transactions TO yggdrasil_tenant;
GRANT SELECT, INSERT, UPDATE ON marketplace_providers, marketplace_transactions, quality_providers
  TO yggdrasil_money;
GRANT SELECT, INSERT, DELETE ON marketplace_models TO yggdrasil_money;
GRANT SELECT, INSERT ON marketplace_served TO yggdrasil_money;
`,
  down: `
DROP TABLE marketplace_served;
DROP TABLE marketplace_transactions;
DROP TABLE quality_providers;
DROP TABLE marketplace_models;
DROP TABLE marketplace_providers;
`,
};
