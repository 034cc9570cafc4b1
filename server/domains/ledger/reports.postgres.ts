import type { Sql } from '../../kernel/database.ts';
import type { LedgerAccountId } from '../../kernel/ids.ts';
import { tenantAccount } from './accounts.ts';
import type { Balance, LedgerOwner, StatementEntry, StatementPage, TrialBalance } from './types.ts';

/** What `owner` has; zero before its first transfer. */
export async function readBalance(sql: Sql, owner: LedgerOwner): Promise<Balance> {
  const rows = await sql<{ kind: string; balance_cents: bigint }[]>`
    SELECT kind, balance_cents FROM ledger_accounts WHERE id IN (${tenantAccount('available', owner).id}, ${tenantAccount('held', owner).id})`;
  const balanceOf = (kind: string) => rows.find((row) => row.kind === kind)?.balance_cents ?? 0n;
  return { availableCents: balanceOf('available'), heldCents: balanceOf('held') };
}

/** One page of `owner`'s entries, newest first, below sequence `before`. */
export async function readStatement(
  sql: Sql,
  owner: LedgerOwner,
  before: bigint | null,
  limit: number,
): Promise<StatementPage> {
  const available = tenantAccount('available', owner).id;
  const held = tenantAccount('held', owner).id;
  const rows = await sql<
    {
      sequence: bigint;
      transfer_id: StatementEntry['transferId'];
      account_id: LedgerAccountId;
      transfer_kind: StatementEntry['kind'];
      transaction_id: StatementEntry['transactionId'];
      amount_cents: bigint;
      created_at: Date;
    }[]
  >`
    SELECT sequence, transfer_id, account_id, transfer_kind, transaction_id, amount_cents, created_at
    FROM ledger_entries
    WHERE account_id IN (${available}, ${held}) AND (${before}::bigint IS NULL OR sequence < ${before}::bigint)
    ORDER BY sequence DESC LIMIT ${limit + 1}`;
  const entries = rows.slice(0, limit).map(
    (row): StatementEntry => ({
      sequence: row.sequence,
      transferId: row.transfer_id,
      account: row.account_id === available ? 'available' : 'held',
      kind: row.transfer_kind,
      transactionId: row.transaction_id,
      amountCents: row.amount_cents,
      createdAtMs: row.created_at.getTime(),
    }),
  );
  return { entries, nextBefore: rows.length > limit ? (entries.at(-1)?.sequence ?? null) : null };
}

/** The whole ledger in one statement, so in one snapshot. Reads every entry. */
export async function readTrialBalance(sql: Sql): Promise<TrialBalance> {
  const [row] = await sql<
    {
      available: bigint;
      held: bigint;
      fees: bigint;
      external: bigint;
      entries_sum: bigint;
      mismatched: bigint;
      open_holds: bigint;
      open_holds_cents: bigint;
    }[]
  >`
    WITH sums AS (
      SELECT account_id, sum(amount_cents) AS cents FROM ledger_entries GROUP BY account_id
    ), accounts AS (
      SELECT a.kind, a.balance_cents, coalesce(s.cents, 0) AS entries_cents
      FROM ledger_accounts a LEFT JOIN sums s ON s.account_id = a.id
    )
    SELECT
      coalesce(sum(balance_cents) FILTER (WHERE kind = 'available'), 0)::bigint AS available,
      coalesce(sum(balance_cents) FILTER (WHERE kind = 'held'), 0)::bigint AS held,
      coalesce(sum(balance_cents) FILTER (WHERE kind = 'fees'), 0)::bigint AS fees,
      coalesce(sum(balance_cents) FILTER (WHERE kind = 'external'), 0)::bigint AS external,
      coalesce((SELECT sum(cents) FROM sums), 0)::bigint AS entries_sum,
      count(*) FILTER (WHERE balance_cents <> entries_cents) AS mismatched,
      (SELECT count(*) FROM ledger_open_holds) AS open_holds,
      (SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_open_holds) AS open_holds_cents
    FROM accounts`;
  return {
    entriesSumCents: row?.entries_sum ?? 0n,
    totalCents: {
      available: row?.available ?? 0n,
      held: row?.held ?? 0n,
      fees: row?.fees ?? 0n,
      external: row?.external ?? 0n,
    },
    mismatchedAccounts: Number(row?.mismatched ?? 0n),
    openHolds: Number(row?.open_holds ?? 0n),
    openHoldsCents: row?.open_holds_cents ?? 0n,
  };
}
