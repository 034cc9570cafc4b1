import type { Migration } from './migration.ts';

/** The ledger's part: earnings that a dispute keeps from their release, and transfers that give back a part of a post. */
const ledger = `
ALTER TABLE ledger_pending_earnings ADD is_frozen boolean NOT NULL DEFAULT false;
ALTER TABLE ledger_transfers
  -- The post that it gives back a part of.
  ADD reverses_id uuid,
  DROP CONSTRAINT ledger_transfers_kind_check,
  ADD CONSTRAINT ledger_transfers_kind_check CHECK (kind IN ('top_up', 'refund', 'payout', 'chargeback', 'adjustment',
    'hold', 'post', 'void', 'expire', 'transfer', 'subscription', 'release_earnings', 'reversal')),
  ADD CONSTRAINT ledger_transfers_reversal CHECK ((reverses_id IS NOT NULL) = (kind = 'reversal'));
CREATE UNIQUE INDEX ledger_transfers_reverse_once ON ledger_transfers (reverses_id) WHERE reverses_id IS NOT NULL;

-- What a reversal gives comes from frozen earnings and fees of its post, never more than was paid, and goes to who paid.
CREATE FUNCTION ledger_take_reversals() RETURNS trigger LANGUAGE plpgsql
  SET search_path = yggdrasil SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  lots bigint;
  taken bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM added WHERE transfer_kind = 'reversal') THEN RETURN NULL; END IF;
  IF EXISTS (
    SELECT FROM (
      SELECT t.id, t.tenant_id, t.reverses_id, t.amount_microcents, t.fee_microcents,
        coalesce(-sum(e.amount_microcents) FILTER (WHERE e.account_kind = 'fee'), 0) AS fees,
        coalesce(sum(e.amount_microcents) FILTER (WHERE e.amount_microcents > 0), 0) AS given,
        bool_and(CASE WHEN e.account_kind IN ('fee', 'earnings') THEN e.amount_microcents < 0
          ELSE e.account_kind IN ('available', 'receivable') AND e.tenant_id = t.tenant_id AND e.amount_microcents > 0
          END) AS fits
      FROM added e JOIN ledger_transfers t ON t.id = e.transfer_id
      WHERE e.transfer_kind = 'reversal' GROUP BY t.id
    ) reversal
    LEFT JOIN ledger_transfers post
      ON post.id = reversal.reverses_id AND post.kind = 'post' AND post.tenant_id = reversal.tenant_id
    WHERE NOT coalesce(fits AND fees = reversal.fee_microcents AND given = reversal.amount_microcents
      AND fees <= post.fee_microcents AND given <= post.amount_microcents, false)
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
-- By its name it comes behind take_entries.
CREATE TRIGGER take_reversals AFTER INSERT ON ledger_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_reversals();

-- Frozen or not is the one thing of waiting earnings that somebody says himself; frozen ones are not released.
DROP TRIGGER refuse_change ON ledger_pending_earnings;
CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE OF tenant_id, transfer_id, amount_microcents, release_at
  ON ledger_pending_earnings
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER refuse_release BEFORE DELETE ON ledger_pending_earnings
  FOR EACH ROW WHEN (OLD.is_frozen AND pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
GRANT UPDATE (is_frozen, amount_microcents) ON ledger_pending_earnings TO yggdrasil_money;
`;

/** Disputes with what was said in them, decisions about them, and what they gave back. */
const disputes = `
CREATE TABLE marketplace_disputes (
  id uuid PRIMARY KEY,
  transaction_id uuid NOT NULL UNIQUE,
  -- Who asked for the transaction, and opened the dispute.
  tenant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'refused', 'refunded_partly', 'refunded')),
  reason text NOT NULL CHECK (reason ~ '^[a-z_]{1,64}$'),
  model text NOT NULL,
  post_id uuid NOT NULL,
  cost_microcents bigint NOT NULL CHECK (cost_microcents > 0),
  refunded_microcents bigint NOT NULL DEFAULT 0 CHECK (refunded_microcents BETWEEN 0 AND cost_microcents),
  opened_at timestamptz NOT NULL,
  -- A provider has said something.
  is_answered boolean NOT NULL DEFAULT false,
  -- When a rule decides, if nobody has: sooner while no provider has answered.
  decided_by_rule_at timestamptz NOT NULL,
  decided_at timestamptz,
  CHECK ((decided_at IS NULL) = (state = 'open'))
);
CREATE INDEX marketplace_disputes_of_account ON marketplace_disputes (account_id, opened_at DESC, id DESC);
CREATE INDEX marketplace_disputes_by_state ON marketplace_disputes (state, opened_at, id);
CREATE INDEX marketplace_disputes_due ON marketplace_disputes (decided_by_rule_at) WHERE state = 'open';
-- What each provider was paid for the transaction.
CREATE TABLE marketplace_dispute_shares (
  dispute_id uuid NOT NULL REFERENCES marketplace_disputes ON DELETE CASCADE,
  provider_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  opened_at timestamptz NOT NULL,
  cost_microcents bigint NOT NULL,
  fee_microcents bigint NOT NULL,
  earnings_microcents bigint NOT NULL,
  agreed_at timestamptz,
  PRIMARY KEY (dispute_id, provider_id)
);
CREATE INDEX marketplace_dispute_shares_of_tenant ON marketplace_dispute_shares (tenant_id, opened_at DESC, dispute_id DESC);
CREATE TABLE marketplace_dispute_statements (
  id uuid PRIMARY KEY,
  dispute_id uuid NOT NULL REFERENCES marketplace_disputes ON DELETE CASCADE,
  -- Whose words they are: of who asked, or of a provider's owner. They go with their tenant.
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  side text NOT NULL CHECK (side IN ('requester', 'provider')),
  said_at timestamptz NOT NULL,
  -- Sealed.
  words bytea NOT NULL CHECK (length(words) <= 16384)
);
CREATE INDEX marketplace_dispute_statements_of_dispute ON marketplace_dispute_statements (dispute_id, said_at, id);
CREATE INDEX marketplace_dispute_statements_by_tenant ON marketplace_dispute_statements (tenant_id);

-- Decisions are about a registration, or about a dispute, which names both of its sides and stays with the server.
ALTER TABLE marketplace_decisions
  ALTER provider_id DROP NOT NULL,
  ADD dispute_id uuid REFERENCES marketplace_disputes ON DELETE CASCADE,
  DROP CONSTRAINT marketplace_decisions_outcome_check,
  ADD CONSTRAINT marketplace_decisions_outcome_check CHECK (CASE WHEN dispute_id IS NULL
    THEN outcome IN ('waiting', 'approved', 'refused') ELSE outcome IN ('open', 'refused', 'refunded_partly', 'refunded') END),
  ADD CONSTRAINT marketplace_decisions_subject CHECK ((provider_id IS NULL) <> (dispute_id IS NULL));
CREATE INDEX marketplace_decisions_of_dispute ON marketplace_decisions (dispute_id, id DESC) WHERE dispute_id IS NOT NULL;
DROP POLICY own_tenant ON marketplace_decisions;
CREATE POLICY own_tenant ON marketplace_decisions FOR SELECT TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()) AND dispute_id IS NULL);

ALTER TABLE marketplace_transactions
  ADD refunded_microcents bigint NOT NULL DEFAULT 0 CHECK (refunded_microcents BETWEEN 0 AND cost_microcents),
  -- The part of it that its providers lose; the rest is the platform's.
  ADD refunded_earnings_microcents bigint NOT NULL DEFAULT 0
    CHECK (refunded_earnings_microcents BETWEEN 0 AND earnings_microcents);
ALTER TABLE marketplace_served
  ADD refunded_microcents bigint NOT NULL DEFAULT 0 CHECK (refunded_microcents BETWEEN 0 AND cost_microcents),
  ADD refunded_earnings_microcents bigint NOT NULL DEFAULT 0
    CHECK (refunded_earnings_microcents BETWEEN 0 AND earnings_microcents);
ALTER TABLE marketplace_hours
  -- Of requests that ended in this hour, whenever it was given back.
  ADD refunded_microcents numeric NOT NULL DEFAULT 0,
  ADD refunded_earnings_microcents numeric NOT NULL DEFAULT 0;
GRANT SELECT (refunded_microcents, refunded_earnings_microcents) ON marketplace_transactions, marketplace_served
  TO yggdrasil_tenant;
GRANT UPDATE (state, refunded_microcents, refunded_earnings_microcents) ON marketplace_served TO yggdrasil_money;

ALTER TABLE marketplace_disputes ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_disputes FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_dispute_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_dispute_shares FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_dispute_statements ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_dispute_statements FORCE ROW LEVEL SECURITY;
CREATE POLICY server ON marketplace_disputes TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_dispute_shares TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_dispute_statements TO yggdrasil_money USING (true);
GRANT SELECT, INSERT, UPDATE ON marketplace_disputes, marketplace_dispute_shares TO yggdrasil_money;
GRANT SELECT, INSERT ON marketplace_dispute_statements TO yggdrasil_money;
`;

/** Disputes about transactions, and refunds. */
export const disputesAndRefunds: Migration = {
  name: '0150-disputes',
  up: ledger + disputes,
  // Refused where something was given back: nothing is taken out of the books, and the version before can't read that kind.
  down: `
ALTER TABLE marketplace_hours DROP refunded_microcents, DROP refunded_earnings_microcents;
ALTER TABLE marketplace_served DROP refunded_microcents, DROP refunded_earnings_microcents;
ALTER TABLE marketplace_transactions DROP refunded_microcents, DROP refunded_earnings_microcents;
REVOKE UPDATE (state) ON marketplace_served FROM yggdrasil_money;
DROP POLICY own_tenant ON marketplace_decisions;
DROP INDEX marketplace_decisions_of_dispute;
ALTER TABLE marketplace_decisions NO FORCE ROW LEVEL SECURITY;
DELETE FROM marketplace_decisions WHERE dispute_id IS NOT NULL;
ALTER TABLE marketplace_decisions FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_decisions
  DROP CONSTRAINT marketplace_decisions_subject,
  DROP CONSTRAINT marketplace_decisions_outcome_check,
  DROP dispute_id,
  ALTER provider_id SET NOT NULL,
  ADD CONSTRAINT marketplace_decisions_outcome_check CHECK (outcome IN ('waiting', 'approved', 'refused'));
CREATE POLICY own_tenant ON marketplace_decisions FOR SELECT TO yggdrasil_tenant USING (
  tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
DROP TABLE marketplace_dispute_statements;
DROP TABLE marketplace_dispute_shares;
DROP TABLE marketplace_disputes;
DROP TRIGGER take_reversals ON ledger_entries;
DROP FUNCTION ledger_take_reversals();
DROP TRIGGER refuse_release ON ledger_pending_earnings;
DROP TRIGGER refuse_change ON ledger_pending_earnings;
CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE ON ledger_pending_earnings
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
REVOKE UPDATE (is_frozen, amount_microcents) ON ledger_pending_earnings FROM yggdrasil_money;
ALTER TABLE ledger_pending_earnings DROP is_frozen;
DROP INDEX ledger_transfers_reverse_once;
ALTER TABLE ledger_transfers
  DROP CONSTRAINT ledger_transfers_reversal,
  DROP CONSTRAINT ledger_transfers_kind_check,
  DROP reverses_id,
  ADD CONSTRAINT ledger_transfers_kind_check CHECK (kind IN ('top_up', 'refund', 'payout', 'chargeback', 'adjustment',
    'hold', 'post', 'void', 'expire', 'transfer', 'subscription', 'release_earnings'));
`,
};
