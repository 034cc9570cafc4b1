import type { Migration } from './migration.ts';

/** Text where allowances are known, nothing where they are not. */
type Rule = (text: string) => string;

/** New transfers open and close holds. */
const takeTransfers = (rule: Rule): string => `
CREATE OR REPLACE FUNCTION ledger_take_transfers() RETURNS trigger LANGUAGE plpgsql
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
    INSERT INTO ledger_open_holds (hold_id, tenant_id, amount_microcents, transaction_id, expires_at${rule(', allowance_microcents')})
      SELECT id, tenant_id, amount_microcents, transaction_id, expires_at${rule(', -allowance_microcents')} FROM added WHERE kind = 'hold';
  END IF;
  IF resolved > 0 THEN
    DELETE FROM ledger_open_holds h USING added a
      WHERE h.hold_id = a.hold_id AND h.tenant_id = a.tenant_id AND h.amount_microcents = -a.held_microcents${rule(`
        -- What was not used of an allowance goes back to it, and becomes no money.
        AND a.allowance_microcents = h.allowance_microcents
          - CASE a.kind WHEN 'post' THEN least(a.amount_microcents, h.allowance_microcents) ELSE 0 END`)};
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
`;

/** New entries complete transfers, and move balances. */
const takeEntries = (rule: Rule): string => `
CREATE OR REPLACE FUNCTION ledger_take_entries() RETURNS trigger LANGUAGE plpgsql
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
        CASE WHEN t.held_microcents = 0 THEN NULL ELSE t.tenant_id::text END${rule(`
      AND s.allowance_entries <= 1 AND s.allowance = t.allowance_microcents
      AND s.allowance_tenant IS NOT DISTINCT FROM
        CASE WHEN t.allowance_microcents = 0 THEN NULL ELSE t.tenant_id::text END
      AND (t.kind NOT IN ('allowance_grant', 'allowance_end') OR s.clearing = -t.allowance_microcents)`)})
    INTO touched, right_ones
    FROM (
      SELECT transfer_id, sum(amount_microcents) AS amount, count(*) AS entries,
        min(transfer_kind) AS kind, CASE WHEN min(transfer_kind) = max(transfer_kind) THEN 1 ELSE 2 END AS kinds,
        count(*) FILTER (WHERE account_kind = 'held') AS held_entries,
        coalesce(sum(amount_microcents) FILTER (WHERE account_kind = 'held'), 0) AS held,
        max(CASE WHEN account_kind = 'held' THEN tenant_id::text END) AS held_tenant${rule(`,
        count(*) FILTER (WHERE account_kind = 'allowance') AS allowance_entries,
        coalesce(sum(amount_microcents) FILTER (WHERE account_kind = 'allowance'), 0) AS allowance,
        max(CASE WHEN account_kind = 'allowance' THEN tenant_id::text END) AS allowance_tenant,
        coalesce(sum(amount_microcents) FILTER (WHERE account_kind = 'clearing'), 0) AS clearing`)}
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
`;

/** What a reversal gives. */
const takeReversals = (rule: Rule): string => `
CREATE OR REPLACE FUNCTION ledger_take_reversals() RETURNS trigger LANGUAGE plpgsql
  SET search_path = yggdrasil SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  lots bigint;
  taken bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM added WHERE transfer_kind = 'reversal') THEN RETURN NULL; END IF;
  IF EXISTS (
    SELECT FROM (
      SELECT t.id, t.tenant_id, t.reverses_id, t.amount_microcents, t.fee_microcents,${rule(' t.allowance_microcents,')}
        coalesce(-sum(e.amount_microcents) FILTER (WHERE e.account_kind = 'fee'), 0) AS fees,
        coalesce(sum(e.amount_microcents) FILTER (WHERE e.amount_microcents > 0), 0) AS given,
        bool_and(CASE WHEN e.account_kind IN ('fee', 'earnings') THEN e.amount_microcents < 0
          ELSE e.account_kind IN ('available', 'receivable'${rule(", 'allowance'")}) AND e.tenant_id = t.tenant_id AND e.amount_microcents > 0
          END) AS fits
      FROM added e JOIN ledger_transfers t ON t.id = e.transfer_id
      WHERE e.transfer_kind = 'reversal' GROUP BY t.id
    ) reversal
    LEFT JOIN ledger_transfers post
      ON post.id = reversal.reverses_id AND post.kind = 'post' AND post.tenant_id = reversal.tenant_id${rule('\n    LEFT JOIN ledger_transfers hold ON hold.id = post.hold_id')}
    WHERE NOT coalesce(fits AND fees = reversal.fee_microcents AND given = reversal.amount_microcents
      AND fees <= post.fee_microcents AND given <= post.amount_microcents${rule(`
      -- Money goes back first, as far as money was paid: the rest was an allowance, and becomes one again.
      AND reversal.allowance_microcents = greatest(0, reversal.amount_microcents
        - (post.amount_microcents + hold.allowance_microcents + post.allowance_microcents))`)}, false)
  ) THEN
    RAISE EXCEPTION 'a reversal gives back a part of a post to who paid it, and nothing else'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  WITH wanted AS (
    SELECT e.tenant_id, t.reverses_id, sum(e.amount_microcents)::bigint AS amount
    FROM added e JOIN ledger_transfers t ON t.id = e.transfer_id
    WHERE e.transfer_kind = 'reversal' AND e.account_kind = 'earnings' GROUP BY e.tenant_id, t.reverses_id
  ), reduced AS (
    UPDATE ledger_pending_earnings p SET amount_microcents = p.amount_microcents + w.amount
    FROM wanted w
    WHERE p.tenant_id = w.tenant_id AND p.transfer_id = w.reverses_id AND p.is_frozen
      AND p.amount_microcents + w.amount >= 0
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM reduced) INTO lots, taken;
  IF lots <> taken THEN
    RAISE EXCEPTION 'a reversal takes from earnings that are frozen, and not more than there is'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  DELETE FROM ledger_pending_earnings p USING added e, ledger_transfers t
    WHERE t.id = e.transfer_id AND e.transfer_kind = 'reversal' AND e.account_kind = 'earnings'
      AND p.tenant_id = e.tenant_id AND p.transfer_id = t.reverses_id AND p.amount_microcents = 0;
  RETURN NULL;
END $$;
`;

/**
 * The rules of every book, with what they say about allowances or as they were before. A transfer says how its owner's allowance changes
 * (`allowance_microcents`), as it does of what is held, so that its entries are held to it.
 */
function rules(knowsAllowances: boolean): string {
  const rule: Rule = (text) => (knowsAllowances ? text : '');
  return [takeTransfers, takeEntries, takeReversals].map((made) => made(rule)).join('');
}

const tables = `
ALTER TABLE ledger_accounts
  DROP CONSTRAINT ledger_accounts_kind_check,
  ADD CONSTRAINT ledger_accounts_kind_check CHECK (kind IN ('available', 'held', 'earnings', 'receivable', 'allowance', 'fee',
    'clearing'));
ALTER TABLE ledger_transfers
  -- How the owner's allowance account changes.
  ADD allowance_microcents bigint NOT NULL DEFAULT 0,
  DROP CONSTRAINT ledger_transfers_kind_check,
  ADD CONSTRAINT ledger_transfers_kind_check CHECK (kind IN ('top_up', 'refund', 'payout', 'chargeback', 'adjustment',
    'hold', 'post', 'void', 'expire', 'transfer', 'subscription', 'release_earnings', 'reversal',
    'allowance_grant', 'allowance_end')),
  ADD CONSTRAINT ledger_transfers_allowance CHECK (CASE kind
    WHEN 'hold' THEN allowance_microcents BETWEEN -amount_microcents AND 0
    WHEN 'post' THEN allowance_microcents BETWEEN 0 AND released_microcents
    WHEN 'void' THEN allowance_microcents BETWEEN 0 AND amount_microcents
    WHEN 'expire' THEN allowance_microcents BETWEEN 0 AND amount_microcents
    WHEN 'reversal' THEN allowance_microcents BETWEEN 0 AND amount_microcents
    WHEN 'allowance_grant' THEN allowance_microcents = amount_microcents
    WHEN 'allowance_end' THEN allowance_microcents = -amount_microcents
    ELSE allowance_microcents = 0 END);
ALTER TABLE ledger_open_holds
  -- What of it is an allowance's.
  ADD allowance_microcents bigint NOT NULL DEFAULT 0 CHECK (allowance_microcents BETWEEN 0 AND amount_microcents);

-- Each grant of an allowance: tokens at a price of reference, until a time. What is used counts against what ends first.
CREATE TABLE ledger_allowances (
  -- The transfer that granted it.
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  tokens bigint NOT NULL CHECK (tokens > 0),
  microcents_per_1000_tokens bigint NOT NULL CHECK (microcents_per_1000_tokens > 0),
  amount_microcents bigint NOT NULL CHECK (amount_microcents > 0),
  granted_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > granted_at)
);
CREATE INDEX ledger_allowances_of_tenant ON ledger_allowances (tenant_id, ends_at);
CREATE FUNCTION ledger_take_allowances() RETURNS trigger LANGUAGE plpgsql SET search_path = yggdrasil AS $$
BEGIN
  IF EXISTS (SELECT FROM added a LEFT JOIN ledger_transfers t ON t.id = a.id AND t.kind = 'allowance_grant'
      AND t.tenant_id = a.tenant_id AND t.amount_microcents = a.amount_microcents WHERE t.id IS NULL) THEN
    RAISE EXCEPTION 'an allowance is what a transfer granted' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER take_allowances AFTER INSERT ON ledger_allowances
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_allowances();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_allowances
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_allowances ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_allowances FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_allowances FOR SELECT TO yggdrasil_tenant USING (
  tenant_id = (SELECT whole_tenant_id()));
CREATE POLICY server ON ledger_allowances TO yggdrasil_money USING (true);
GRANT SELECT ON ledger_allowances TO yggdrasil_tenant;
GRANT SELECT, INSERT ON ledger_allowances TO yggdrasil_money;
ALTER TABLE marketplace_transactions
  -- What of the cost an allowance paid.
  ADD allowance_microcents bigint NOT NULL DEFAULT 0 CHECK (allowance_microcents BETWEEN 0 AND cost_microcents);
GRANT SELECT (allowance_microcents) ON marketplace_transactions TO yggdrasil_tenant;
`;

/** Allowances: tokens at a price of reference, which pay before the balance does. */
export const allowances: Migration = {
  name: '0261-allowances',
  up: tables + rules(true),
  // Refused where an allowance was granted: nothing is taken out of the books, and the version before can't read that kind.
  down: `
ALTER TABLE marketplace_transactions DROP allowance_microcents;
DROP TABLE ledger_allowances;
DROP FUNCTION ledger_take_allowances();
${rules(false)}
ALTER TABLE ledger_open_holds DROP allowance_microcents;
ALTER TABLE ledger_transfers
  DROP CONSTRAINT ledger_transfers_allowance,
  DROP CONSTRAINT ledger_transfers_kind_check,
  DROP allowance_microcents,
  ADD CONSTRAINT ledger_transfers_kind_check CHECK (kind IN ('top_up', 'refund', 'payout', 'chargeback', 'adjustment',
    'hold', 'post', 'void', 'expire', 'transfer', 'subscription', 'release_earnings', 'reversal'));
ALTER TABLE ledger_accounts
  DROP CONSTRAINT ledger_accounts_kind_check,
  ADD CONSTRAINT ledger_accounts_kind_check CHECK (kind IN ('available', 'held', 'earnings', 'receivable', 'fee', 'clearing'));
`,
};
