import type { Migration } from './migration.ts';

/** Requests for computing time under an idempotency key, and the answers kept for whoever repeats one. */
export const keyedRequests: Migration = {
  name: '0007-keyed-requests',
  up: `
CREATE TABLE marketplace_keyed_requests (
  tenant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  key text NOT NULL CHECK (key ~ '^[!-~]{1,255}$'),
  -- SHA-256 of what was asked.
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  transaction_id uuid NOT NULL UNIQUE,
  node_id text NOT NULL,
  created_at timestamptz NOT NULL,
  -- The text, sealed; NULL while the request is at work.
  answer bytea,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX marketplace_keyed_requests_age ON marketplace_keyed_requests (created_at);
CREATE INDEX marketplace_keyed_requests_open ON marketplace_keyed_requests (created_at) WHERE answer IS NULL;

ALTER TABLE marketplace_keyed_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_keyed_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON marketplace_keyed_requests TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY server ON marketplace_keyed_requests TO yggdrasil_money USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace_keyed_requests TO yggdrasil_money;
`,
  down: `
DROP TABLE marketplace_keyed_requests;
`,
};
