import type { Migration } from './migration.ts';

/**
 * Providers with what they offer and their quality, transactions as requester and provider see them, idempotency keys, and
 * who can pay and be paid.
 */
export const market: Migration = {
  name: '0006-market',
  up: `
CREATE TABLE marketplace_providers (
  -- What a requester sees: says nothing about device, network or tenant.
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL UNIQUE,
  slots integer NOT NULL CHECK (slots BETWEEN 1 AND 1000),
  offered_at timestamptz NOT NULL
);
CREATE TABLE marketplace_models (
  provider_id uuid NOT NULL REFERENCES marketplace_providers (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  name text NOT NULL CHECK (name ~ '^[A-Za-z0-9._:/-]{1,128}$'),
  prompt_microcents_per_1000_tokens bigint NOT NULL
    CHECK (prompt_microcents_per_1000_tokens BETWEEN 0 AND 1000000000000),
  cached_prompt_microcents_per_1000_tokens bigint NOT NULL
    CHECK (cached_prompt_microcents_per_1000_tokens BETWEEN 0 AND prompt_microcents_per_1000_tokens),
  completion_microcents_per_1000_tokens bigint NOT NULL
    CHECK (completion_microcents_per_1000_tokens BETWEEN 0 AND 1000000000000),
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
  prompt_microcents_per_1000_tokens bigint NOT NULL,
  cached_prompt_microcents_per_1000_tokens bigint NOT NULL,
  completion_microcents_per_1000_tokens bigint NOT NULL,
  attempts integer NOT NULL DEFAULT 1,
  held_microcents bigint NOT NULL,
  prompt_tokens bigint NOT NULL,
  completion_tokens_max bigint NOT NULL,
  completion_tokens bigint NOT NULL DEFAULT 0,
  billed_tokens bigint NOT NULL DEFAULT 0,
  cost_microcents bigint NOT NULL DEFAULT 0,
  fee_microcents bigint NOT NULL DEFAULT 0,
  earnings_microcents bigint NOT NULL DEFAULT 0,
  finish_reason text,
  failure_code text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  -- The server's own: who works on it, what is held for it, and who is paid.
  node_id text NOT NULL,
  hold_id uuid NOT NULL,
  provider_tenant_id uuid NOT NULL,
  provider_device_id uuid NOT NULL,
  CHECK (cost_microcents = fee_microcents + earnings_microcents)
);
CREATE INDEX marketplace_transactions_of_account ON marketplace_transactions (account_id, created_at DESC, id DESC);
CREATE INDEX marketplace_transactions_open ON marketplace_transactions (created_at)
  WHERE state = 'PROCESSING';
-- A provider's row of the same transaction: nothing in it tells who asked.
CREATE TABLE marketplace_served (
  transaction_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  model text NOT NULL,
  state text NOT NULL,
  prompt_tokens bigint NOT NULL,
  completion_tokens bigint NOT NULL,
  billed_tokens bigint NOT NULL,
  cost_microcents bigint NOT NULL,
  fee_microcents bigint NOT NULL,
  earnings_microcents bigint NOT NULL,
  finish_reason text,
  failure_code text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  -- What the provider said it counted, and what passed through the server.
  claimed_tokens bigint NOT NULL,
  counted_tokens bigint NOT NULL,
  PRIMARY KEY (transaction_id, provider_id)
);
CREATE INDEX marketplace_served_of_tenant ON marketplace_served (tenant_id, created_at DESC, transaction_id DESC);
-- The sums of both for each provider.
CREATE TABLE marketplace_claims (
  provider_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  claimed_tokens bigint NOT NULL,
  counted_tokens bigint NOT NULL
);
CREATE TABLE marketplace_keyed_requests (
  tenant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  key text NOT NULL CHECK (key ~ '^[!-~]{1,255}$'),
  -- SHA-256 of what was asked.
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  transaction_id uuid NOT NULL UNIQUE,
  created_at timestamptz NOT NULL,
  -- The answer, sealed; NULL while the request is at work.
  answer bytea,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX marketplace_keyed_requests_age ON marketplace_keyed_requests (created_at);
-- What an operator confirmed.
CREATE TABLE payment_standings (
  tenant_id uuid PRIMARY KEY,
  can_pay boolean NOT NULL,
  can_be_paid boolean NOT NULL,
  confirmed_by uuid NOT NULL,
  confirmed_at timestamptz NOT NULL
);

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
ALTER TABLE marketplace_claims ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_claims FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_keyed_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_keyed_requests FORCE ROW LEVEL SECURITY;
ALTER TABLE payment_standings ENABLE ROW LEVEL SECURITY;
ALTER TABLE payment_standings FORCE ROW LEVEL SECURITY;

-- Who is a member of single networks, and a device, sees nothing of the tenant's trade.
CREATE POLICY own_tenant ON marketplace_providers TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY own_tenant ON marketplace_models TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY own_tenant ON quality_providers TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
-- The one who asked, and the server for the whole tenant; not the other members.
CREATE POLICY own_requests ON marketplace_transactions TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant())
  AND account_id = coalesce((SELECT current_account_id()), account_id));
CREATE POLICY own_tenant ON marketplace_served TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY own_tenant ON marketplace_claims TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY own_tenant ON marketplace_keyed_requests TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY own_tenant ON payment_standings TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY server ON marketplace_providers TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_models TO yggdrasil_money USING (true);
CREATE POLICY server ON quality_providers TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_transactions TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_served TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_claims TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_keyed_requests TO yggdrasil_money USING (true);
CREATE POLICY server ON payment_standings TO yggdrasil_money USING (true);

GRANT SELECT ON marketplace_providers, marketplace_models, quality_providers TO yggdrasil_tenant;
-- Not the provider's tenant and device: a requester never learns them, whatever statement runs.
GRANT SELECT (id, tenant_id, account_id, state, model, provider_id, prompt_microcents_per_1000_tokens,
  cached_prompt_microcents_per_1000_tokens, completion_microcents_per_1000_tokens, attempts, held_microcents,
  prompt_tokens, completion_tokens_max, completion_tokens, billed_tokens, cost_microcents, fee_microcents,
  earnings_microcents, finish_reason, failure_code, created_at, finished_at) ON marketplace_transactions
  TO yggdrasil_tenant;
-- Not the device: which machine served is the server's own.
GRANT SELECT (transaction_id, tenant_id, provider_id, model, state, prompt_tokens, completion_tokens, billed_tokens,
  cost_microcents, fee_microcents, earnings_microcents, finish_reason, failure_code, created_at, finished_at,
  claimed_tokens, counted_tokens) ON marketplace_served TO yggdrasil_tenant;
-- The job money.
GRANT SELECT, INSERT, UPDATE ON marketplace_providers, marketplace_transactions, quality_providers, marketplace_claims,
  payment_standings TO yggdrasil_money;
GRANT SELECT, INSERT, DELETE ON marketplace_models TO yggdrasil_money;
GRANT SELECT, INSERT ON marketplace_served TO yggdrasil_money;
GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace_keyed_requests TO yggdrasil_money;
`,
  down: `
DROP TABLE payment_standings;
DROP TABLE marketplace_keyed_requests;
DROP TABLE marketplace_claims;
DROP TABLE marketplace_served;
DROP TABLE marketplace_transactions;
DROP TABLE quality_providers;
DROP TABLE marketplace_models;
DROP TABLE marketplace_providers;
`,
};
