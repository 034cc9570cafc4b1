import type { Migration } from './migration.ts';

/** Accounts, immutable transfers and entries, and the holds that wait for their resolution. */
export const ledger: Migration = {
  name: '0005-ledger',
  up: `
CREATE TABLE ledger_accounts (
  id uuid PRIMARY KEY,
  -- No foreign key: books outlive the tenant.
  tenant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('available', 'held', 'fees', 'external')),
  balance_cents bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ledger_accounts_not_negative CHECK (kind = 'external' OR balance_cents >= 0),
  CONSTRAINT ledger_accounts_exact_in_json CHECK (abs(balance_cents) <= 9007199254740991),
  UNIQUE (tenant_id, kind)
);

CREATE TABLE ledger_transfers (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('top_up', 'hold', 'post', 'void', 'expire')),
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  fee_cents bigint NOT NULL DEFAULT 0 CHECK (fee_cents >= 0),
  released_cents bigint NOT NULL DEFAULT 0 CHECK (released_cents >= 0),
  hold_id uuid REFERENCES ledger_transfers (id),
  transaction_id uuid,
  expires_at timestamptz,
  -- The command's parameters in one canonical form: another command under the same id is refused.
  fingerprint text NOT NULL,
  created_at timestamptz NOT NULL,
  CHECK ((hold_id IS NOT NULL) = (kind IN ('post', 'void', 'expire'))),
  CHECK ((expires_at IS NOT NULL) = (kind = 'hold'))
);
-- A hold is resolved once, whoever tries.
CREATE UNIQUE INDEX ledger_transfers_resolve_once ON ledger_transfers (hold_id) WHERE hold_id IS NOT NULL;

CREATE TABLE ledger_entries (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transfer_id uuid NOT NULL REFERENCES ledger_transfers (id),
  account_id uuid NOT NULL REFERENCES ledger_accounts (id),
  tenant_id uuid NOT NULL,
  transfer_kind text NOT NULL,
  transaction_id uuid,
  amount_cents bigint NOT NULL CHECK (amount_cents <> 0),
  created_at timestamptz NOT NULL
);
CREATE INDEX ledger_entries_of_account ON ledger_entries (account_id, sequence DESC);

-- What waits for its resolution: a working list beside the immutable books, which hold the same facts.
CREATE TABLE ledger_open_holds (
  hold_id uuid PRIMARY KEY REFERENCES ledger_transfers (id),
  tenant_id uuid NOT NULL,
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  transaction_id uuid,
  expires_at timestamptz NOT NULL
);
CREATE INDEX ledger_open_holds_by_expiry ON ledger_open_holds (expires_at);

ALTER TABLE ledger_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_transfers ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_transfers FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_open_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_open_holds FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON ledger_accounts TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON ledger_transfers TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON ledger_entries TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY own_tenant ON ledger_open_holds TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY server ON ledger_accounts TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_transfers TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_entries TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_open_holds TO yggdrasil_money USING (true);

-- A tenant reads its balances and entries. Transfers stay with the server: one names both of its sides.
GRANT SELECT ON ledger_accounts, ledger_entries TO yggdrasil_tenant;
GRANT SELECT, INSERT ON ledger_accounts, ledger_transfers, ledger_entries TO yggdrasil_money;
GRANT UPDATE (balance_cents) ON ledger_accounts TO yggdrasil_money;
GRANT SELECT, INSERT, DELETE ON ledger_open_holds TO yggdrasil_money;
`,
  down: `
DROP TABLE ledger_open_holds;
DROP TABLE ledger_entries;
DROP TABLE ledger_transfers;
DROP TABLE ledger_accounts;
`,
};
