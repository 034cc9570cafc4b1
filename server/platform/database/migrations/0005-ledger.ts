import type { Migration } from './migration.ts';

const tables = `
CREATE TABLE ledger_accounts (
  id uuid PRIMARY KEY,
  -- No foreign key: books outlive the tenant.
  tenant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('available', 'held', 'earnings', 'receivable', 'fee', 'clearing')),
  -- The shard of the fees, the payment provider of a clearing account.
  part text NOT NULL DEFAULT '',
  balance_microcents bigint NOT NULL DEFAULT 0,
  -- Position of the account's newest entry.
  last_position bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ledger_accounts_sign CHECK (CASE kind
    WHEN 'clearing' THEN true
    WHEN 'receivable' THEN balance_microcents <= 0
    ELSE balance_microcents >= 0 END),
  CONSTRAINT ledger_accounts_in_range CHECK (balance_microcents BETWEEN -4000000000000000000 AND 4000000000000000000),
  UNIQUE (tenant_id, kind, part)
) WITH (fillfactor = 70);

CREATE TABLE ledger_transfers (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('top_up', 'refund', 'payout', 'chargeback', 'adjustment', 'hold', 'post', 'void',
    'expire', 'transfer', 'subscription', 'release_earnings')),
  amount_microcents bigint NOT NULL CHECK (amount_microcents >= 0 OR kind = 'adjustment'),
  fee_microcents bigint NOT NULL DEFAULT 0 CHECK (fee_microcents >= 0),
  released_microcents bigint NOT NULL DEFAULT 0 CHECK (released_microcents >= 0),
  -- How the owner's held account changes.
  held_microcents bigint NOT NULL DEFAULT 0,
  hold_id uuid,
  transaction_id uuid,
  expires_at timestamptz,
  -- How many entries it has: it is complete with them and takes no other.
  entry_count smallint NOT NULL CHECK (entry_count >= 0 AND entry_count <> 1),
  -- The command's parameters in one canonical form: another command under the same id is refused.
  fingerprint text NOT NULL,
  created_at timestamptz NOT NULL,
  CHECK ((hold_id IS NOT NULL) = (kind IN ('post', 'void', 'expire'))),
  CHECK ((expires_at IS NOT NULL) = (kind = 'hold')),
  CHECK (CASE kind WHEN 'hold' THEN held_microcents = amount_microcents
    WHEN 'post' THEN held_microcents = -(amount_microcents + released_microcents)
    WHEN 'void' THEN held_microcents = -amount_microcents
    WHEN 'expire' THEN held_microcents = -amount_microcents
    ELSE held_microcents = 0 END)
);
-- A hold is resolved once, whoever tries.
CREATE UNIQUE INDEX ledger_transfers_resolve_once ON ledger_transfers (hold_id) WHERE hold_id IS NOT NULL;

-- Its trigger checks what foreign keys would, for all rows of a statement at once.
CREATE TABLE ledger_entries (
  account_id uuid NOT NULL,
  -- 1, 2, 3 ... in each account: it tells a tenant nothing about others.
  position bigint NOT NULL,
  transfer_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  account_kind text NOT NULL,
  transfer_kind text NOT NULL,
  transaction_id uuid,
  amount_microcents bigint NOT NULL CHECK (amount_microcents <> 0),
  -- When earnings may become available.
  release_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, position),
  CHECK ((release_at IS NOT NULL) = (account_kind = 'earnings' AND amount_microcents > 0))
);

-- Working lists beside the immutable books, which hold the same facts: holds that wait for their resolution,
CREATE TABLE ledger_open_holds (
  hold_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  amount_microcents bigint NOT NULL,
  transaction_id uuid,
  expires_at timestamptz NOT NULL
);
CREATE INDEX ledger_open_holds_by_expiry ON ledger_open_holds (expires_at);

-- and earnings that wait for their release.
CREATE TABLE ledger_pending_earnings (
  tenant_id uuid NOT NULL,
  transfer_id uuid NOT NULL,
  amount_microcents bigint NOT NULL,
  release_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, transfer_id)
);
CREATE INDEX ledger_pending_earnings_by_release ON ledger_pending_earnings (release_at);

-- Transfers of a running transaction whose entries have not come yet: none may be left when it commits.
CREATE TABLE ledger_incomplete_transfers (
  transaction xid8 PRIMARY KEY,
  transfer_ids uuid[] NOT NULL
) WITH (fillfactor = 50);

-- Up to which entry an account was verified, and the sum of its entries up to there.
CREATE TABLE ledger_verified_accounts (
  account_id uuid PRIMARY KEY,
  position bigint NOT NULL,
  sum_microcents bigint NOT NULL
) WITH (fillfactor = 70);
`;

/**
 * What a book must satisfy, whoever writes it. The functions look at all rows of a statement at once, so that a batch of
 * hundreds of transfers costs about as much as one. Their plans must not be made for tables that were still empty.
 */
const rules = `
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% refuses %: the ledger is append-only', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

-- New transfers open and close holds, and are incomplete until their entries come.
CREATE FUNCTION ledger_take_transfers() RETURNS trigger LANGUAGE plpgsql
  SET search_path = yggdrasil SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  opened bigint;
  resolved bigint;
  closed bigint;
  incomplete bigint;
BEGIN
  SELECT count(*) FILTER (WHERE kind = 'hold'), count(hold_id), count(*) FILTER (WHERE entry_count > 0)
    INTO opened, resolved, incomplete FROM added;
  IF EXISTS (SELECT FROM added WHERE entry_count = 0 AND (amount_microcents <> 0 OR held_microcents <> 0)) THEN
    RAISE EXCEPTION 'a transfer of an amount needs entries' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF opened > 0 THEN
    INSERT INTO ledger_open_holds (hold_id, tenant_id, amount_microcents, transaction_id, expires_at)
      SELECT id, tenant_id, amount_microcents, transaction_id, expires_at FROM added WHERE kind = 'hold';
  END IF;
  IF resolved > 0 THEN
    DELETE FROM ledger_open_holds h USING added a
      WHERE h.hold_id = a.hold_id AND h.tenant_id = a.tenant_id AND h.amount_microcents = -a.held_microcents;
    GET DIAGNOSTICS closed = ROW_COUNT;
    IF closed <> resolved THEN
      RAISE EXCEPTION 'a transfer resolves a hold that is not open, or not as it was opened'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  IF incomplete > 0 THEN
    INSERT INTO ledger_incomplete_transfers AS i (transaction, transfer_ids)
      VALUES (pg_current_xact_id(), ARRAY(SELECT id FROM added WHERE entry_count > 0))
      ON CONFLICT (transaction) DO UPDATE SET transfer_ids = i.transfer_ids || excluded.transfer_ids;
  END IF;
  RETURN NULL;
END $$;

-- New entries complete transfers of the same transaction, and move balances: nothing else does.
CREATE FUNCTION ledger_take_entries() RETURNS trigger LANGUAGE plpgsql
  SET search_path = yggdrasil SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  touched bigint;
  right_ones bigint;
  incomplete uuid[];
  still_incomplete uuid[];
BEGIN
  SELECT count(*), count(*) FILTER (WHERE s.amount = 0 AND s.entries = t.entry_count
      AND s.kinds = 1 AND s.kind = t.kind AND s.held_entries <= 1
      AND s.held = t.held_microcents AND s.held_tenant IS NOT DISTINCT FROM
        CASE WHEN t.held_microcents = 0 THEN NULL ELSE t.tenant_id::text END)
    INTO touched, right_ones
    FROM (
      SELECT transfer_id, sum(amount_microcents) AS amount, count(*) AS entries,
        min(transfer_kind) AS kind, CASE WHEN min(transfer_kind) = max(transfer_kind) THEN 1 ELSE 2 END AS kinds,
        count(*) FILTER (WHERE account_kind = 'held') AS held_entries,
        coalesce(sum(amount_microcents) FILTER (WHERE account_kind = 'held'), 0) AS held,
        max(CASE WHEN account_kind = 'held' THEN tenant_id::text END) AS held_tenant
      FROM added GROUP BY transfer_id
    ) s
    LEFT JOIN ledger_transfers t ON t.id = s.transfer_id;
  IF touched = 0 THEN RETURN NULL; END IF;
  SELECT transfer_ids INTO incomplete FROM ledger_incomplete_transfers WHERE transaction = pg_current_xact_id();
  still_incomplete := ARRAY(SELECT unnest(incomplete) EXCEPT SELECT transfer_id FROM added);
  IF right_ones <> touched OR coalesce(cardinality(incomplete), 0) - cardinality(still_incomplete) <> touched THEN
    RAISE EXCEPTION 'entries must complete transfers of the same transaction, in one statement, and sum to zero'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  UPDATE ledger_incomplete_transfers SET transfer_ids = still_incomplete WHERE transaction = pg_current_xact_id();

  WITH sums AS (
    SELECT account_id, tenant_id, account_kind, sum(amount_microcents)::bigint AS amount, count(*) AS entries,
      min(position) AS first_position, max(position) AS last_position
    FROM added GROUP BY account_id, tenant_id, account_kind
  ), moved AS (
    UPDATE ledger_accounts a
      SET balance_microcents = a.balance_microcents + s.amount, last_position = s.last_position
      FROM sums s
      WHERE a.id = s.account_id AND a.tenant_id = s.tenant_id AND a.kind = s.account_kind
        AND s.first_position = a.last_position + 1 AND s.last_position = a.last_position + s.entries
      RETURNING 1
  )
  SELECT (SELECT count(*) FROM sums), (SELECT count(*) FROM moved) INTO touched, right_ones;
  IF right_ones <> touched THEN
    RAISE EXCEPTION 'an entry must name an account with its tenant and kind, and take its next position'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  INSERT INTO ledger_pending_earnings (tenant_id, transfer_id, amount_microcents, release_at)
    SELECT tenant_id, transfer_id, amount_microcents, release_at FROM added WHERE release_at IS NOT NULL;
  RETURN NULL;
END $$;

-- At commit, once a transaction.
CREATE FUNCTION ledger_require_complete() RETURNS trigger LANGUAGE plpgsql SET search_path = yggdrasil AS $$
DECLARE
  missing uuid[];
BEGIN
  DELETE FROM ledger_incomplete_transfers WHERE transaction = NEW.transaction RETURNING transfer_ids INTO missing;
  IF cardinality(missing) <> 0 THEN
    RAISE EXCEPTION 'transfers have not the entries they need: %', missing
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER take_transfers AFTER INSERT ON ledger_transfers
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_transfers();
CREATE TRIGGER take_entries AFTER INSERT ON ledger_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_entries();
CREATE CONSTRAINT TRIGGER require_complete AFTER INSERT ON ledger_incomplete_transfers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_require_complete();

-- Depth 0 is a statement of somebody's own; what the triggers above do is deeper.
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfers
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_removal BEFORE DELETE OR TRUNCATE ON ledger_accounts
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_change BEFORE UPDATE ON ledger_accounts
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_balance BEFORE INSERT ON ledger_accounts
  FOR EACH ROW WHEN (NEW.balance_microcents <> 0 OR NEW.last_position <> 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE OR DELETE ON ledger_open_holds
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_removal BEFORE TRUNCATE ON ledger_open_holds
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE OR DELETE ON ledger_incomplete_transfers
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_removal BEFORE TRUNCATE ON ledger_incomplete_transfers
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE ON ledger_pending_earnings
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
`;

const access = `
ALTER TABLE ledger_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_transfers ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_transfers FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_open_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_open_holds FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_pending_earnings ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_pending_earnings FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_incomplete_transfers ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_incomplete_transfers FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_verified_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_verified_accounts FORCE ROW LEVEL SECURITY;

-- Who sees the whole tenant reads its balances and entries. Transfers stay with the server: one names both of its sides.
CREATE POLICY own_tenant ON ledger_accounts TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
CREATE POLICY own_tenant ON ledger_entries TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
GRANT SELECT ON ledger_accounts, ledger_entries TO yggdrasil_tenant;

-- For the job \`money\`.
CREATE POLICY server ON ledger_accounts TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_transfers TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_entries TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_open_holds TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_pending_earnings TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_incomplete_transfers TO yggdrasil_money USING (true);
CREATE POLICY server ON ledger_verified_accounts TO yggdrasil_money USING (true);
GRANT SELECT, INSERT ON ledger_accounts, ledger_transfers, ledger_entries TO yggdrasil_money;
-- The rest is written by the triggers, which run as who wrote the transfers and entries.
GRANT UPDATE (balance_microcents, last_position) ON ledger_accounts TO yggdrasil_money;
GRANT SELECT, INSERT, DELETE ON ledger_open_holds, ledger_pending_earnings TO yggdrasil_money;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_incomplete_transfers TO yggdrasil_money;
GRANT SELECT, INSERT, UPDATE ON ledger_verified_accounts TO yggdrasil_money;
`;

/** Accounts, immutable transfers and entries, what waits for its resolution, and the rules that every book satisfies. */
export const ledger: Migration = {
  name: '0005-ledger',
  up: tables + rules + access,
  down: `
DROP TABLE ledger_verified_accounts;
DROP TABLE ledger_incomplete_transfers;
DROP TABLE ledger_pending_earnings;
DROP TABLE ledger_open_holds;
DROP TABLE ledger_entries;
DROP TABLE ledger_transfers;
DROP TABLE ledger_accounts;
DROP FUNCTION ledger_take_transfers();
DROP FUNCTION ledger_take_entries();
DROP FUNCTION ledger_require_complete();
DROP FUNCTION ledger_refuse();
`,
};
