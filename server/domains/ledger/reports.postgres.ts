import type { Sql } from '../../kernel/database.ts';
import type { Microcents } from '../../kernel/money.ts';
import { tenantAccounts } from './accounts.ts';
import type {
  AccountKind,
  Balance,
  LedgerOwner,
  StatementCursor,
  StatementEntry,
  StatementPage,
  TrialBalance,
} from './types.ts';
import { TENANT_ACCOUNT_KINDS } from './types.ts';

/** What `owner` has and owes; zero before its first transfer. */
export async function readBalance(sql: Sql, owner: LedgerOwner): Promise<Balance> {
  const rows = await sql<{ kind: AccountKind; balance_microcents: bigint }[]>`
    SELECT kind, balance_microcents FROM ledger_accounts WHERE tenant_id = ${owner.tenantId}`;
  const balanceOf = (kind: AccountKind) => rows.find((row) => row.kind === kind)?.balance_microcents ?? 0n;
  return {
    availableMicrocents: balanceOf('available'),
    heldMicrocents: balanceOf('held'),
    earningsMicrocents: balanceOf('earnings'),
    owedMicrocents: -balanceOf('receivable'),
    allowanceMicrocents: balanceOf('allowance'),
  };
}

interface EntryRow {
  position: bigint;
  account_kind: StatementEntry['account'];
  transfer_id: StatementEntry['transferId'];
  transfer_kind: StatementEntry['kind'];
  transaction_id: StatementEntry['transactionId'];
  amount_microcents: bigint;
  release_at: Date | null;
  created_at: Date;
}

/**
 * One page of `owner`'s entries, newest first, below the positions of `before`. Positions of different accounts say
 * nothing about each other: entries of different accounts are ordered by time, those of one by position.
 */
export async function readStatement(
  sql: Sql,
  owner: LedgerOwner,
  before: StatementCursor | null,
  limit: number,
): Promise<StatementPage> {
  const accounts = tenantAccounts(owner);
  const heads = TENANT_ACCOUNT_KINDS.map((kind) => ({
    id: accounts[kind].id,
    before: before?.[kind] ?? null,
  }));
  const rows = await sql<EntryRow[]>`
    SELECT e.position, e.account_kind, e.transfer_id, e.transfer_kind, e.transaction_id, e.amount_microcents,
      e.release_at, e.created_at
    FROM jsonb_to_recordset(${headsJson(heads)}::text::jsonb) AS head(id uuid, before bigint),
      LATERAL (
        SELECT * FROM ledger_entries
        WHERE tenant_id = ${owner.tenantId} AND account_id = head.id
          AND (head.before IS NULL OR position < head.before)
        ORDER BY position DESC LIMIT ${limit + 1}
      ) e`;
  const { shown, left } = mergeNewestFirst(rows.map(entryOf), limit);
  return { entries: shown, nextBefore: rows.length > limit ? cursorBehind(shown, left, before) : null };
}

/**
 * The first `limit` entries, newest first, but those of one account always by position: clocks of different nodes differ,
 * and a page must not leave out what its cursor then skips. `entries` of one account come in falling positions.
 */
function mergeNewestFirst(entries: readonly StatementEntry[], limit: number) {
  const left = new Map(
    TENANT_ACCOUNT_KINDS.map((kind) => [kind, entries.filter(({ account }) => account === kind)]),
  );
  const shown: StatementEntry[] = [];
  while (shown.length < limit) {
    let newest: StatementEntry | undefined;
    for (const [head] of left.values()) {
      if (head && (newest === undefined || head.createdAtMs > newest.createdAtMs)) newest = head;
    }
    if (newest === undefined) break;
    shown.push(newest);
    left.get(newest.account)?.shift();
  }
  return { shown, left };
}

/** Below what was shown; in an account of which nothing was shown, below what came after this page was read. */
function cursorBehind(
  shown: readonly StatementEntry[],
  left: ReadonlyMap<StatementEntry['account'], readonly StatementEntry[]>,
  before: StatementCursor | null,
): StatementCursor {
  const behind = (kind: StatementEntry['account']): bigint => {
    const next = left.get(kind)?.[0];
    if (next !== undefined) return next.position + 1n;
    return shown.findLast(({ account }) => account === kind)?.position ?? before?.[kind] ?? 1n;
  };
  return {
    available: behind('available'),
    held: behind('held'),
    earnings: behind('earnings'),
    receivable: behind('receivable'),
    allowance: behind('allowance'),
  };
}

function headsJson(heads: readonly { readonly id: string; readonly before: bigint | null }[]): string {
  return JSON.stringify(
    heads.map(({ id, before }) => ({ id, before: before === null ? null : String(before) })),
  );
}

function entryOf(row: EntryRow): StatementEntry {
  return {
    position: row.position,
    transferId: row.transfer_id,
    account: row.account_kind,
    kind: row.transfer_kind,
    transactionId: row.transaction_id,
    amountMicrocents: row.amount_microcents,
    releaseAtMs: row.release_at?.getTime() ?? null,
    createdAtMs: row.created_at.getTime(),
  };
}

/** The whole ledger in one statement, so in one snapshot. Reads every entry. */
export async function readTrialBalance(sql: Sql): Promise<TrialBalance> {
  const rows = await sql<{ kind: AccountKind; total: bigint; entries_sum: bigint; mismatched: bigint }[]>`
    WITH sums AS (
      SELECT account_id, sum(amount_microcents) AS microcents FROM ledger_entries GROUP BY account_id
    )
    SELECT kind, coalesce(sum(balance_microcents), 0)::bigint AS total,
      coalesce(sum(microcents), 0)::bigint AS entries_sum,
      count(*) FILTER (WHERE balance_microcents IS DISTINCT FROM coalesce(microcents, 0)) AS mismatched
    FROM ledger_accounts a FULL JOIN sums s ON s.account_id = a.id
    GROUP BY kind`;
  const [holds] = await sql<{ open_holds: bigint; microcents: bigint }[]>`
    SELECT count(*) AS open_holds, coalesce(sum(amount_microcents), 0)::bigint AS microcents FROM ledger_open_holds`;
  const totalOf = (kind: AccountKind): Microcents => rows.find((row) => row.kind === kind)?.total ?? 0n;
  return {
    entriesSumMicrocents: rows.reduce((sum, row) => sum + row.entries_sum, 0n),
    totalMicrocents: {
      available: totalOf('available'),
      held: totalOf('held'),
      earnings: totalOf('earnings'),
      receivable: totalOf('receivable'),
      allowance: totalOf('allowance'),
      fee: totalOf('fee'),
      clearing: totalOf('clearing'),
    },
    mismatchedAccounts: rows.reduce((sum, row) => sum + Number(row.mismatched), 0),
    openHolds: Number(holds?.open_holds ?? 0n),
    openHoldsMicrocents: holds?.microcents ?? 0n,
  };
}
