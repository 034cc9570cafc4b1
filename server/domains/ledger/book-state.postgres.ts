import type { Sql } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { LedgerAccountId, TenantId, TransferId } from '../../kernel/ids.ts';
import type { TenantAccounts, TenantAccountsOf } from './accounts.ts';
import { readRunningAllowances } from './allowances.postgres.ts';
import type { AccountState, BookState } from './book-decisions.ts';
import { RELEASED_EARNINGS_MAX } from './limits.ts';
import {
  json,
  type OpenHoldRow,
  openHoldOf,
  type PendingRow,
  pendingOf,
  type TransferRow,
  transferOf,
} from './rows.postgres.ts';
import { accountsOf, type BookingOptions, ownersOf } from './rules.ts';
import type { LedgerCommand, LedgerOwner, OpenHold, PendingEarnings } from './types.ts';

/**
 * Locks what the batch moves, then reads what may only be trusted under its lock. Who moves any account of a tenant holds
 * the lock of the tenant's available account, so one lock a tenant is enough. Every writer locks in the order of ids, so
 * that no two wait for each other.
 */
export async function lockState(
  sql: Sql,
  commands: readonly LedgerCommand[],
  holders: Holders,
  options: BookingOptions,
  accountsOfTenant: TenantAccountsOf,
  nowMs: number,
): Promise<BookState> {
  const tenants = tenantsOf(commands, holders, accountsOfTenant);
  const releasing = commands.flatMap((command) =>
    command.kind === 'release_earnings' ? [command.owner.tenantId] : [],
  );
  // The others are sent with the first, and begin when it holds its locks: they see what other writers have left.
  const postIds = commands.flatMap((command) => (command.kind === 'reversal' ? [command.postId] : []));
  const transferIds = [...commands.map(({ id }) => id), ...postIds];
  const ending = commands.flatMap((command) =>
    command.kind === 'allowance_end' ? [command.owner.tenantId] : [],
  );
  const [accounts, otherRows, transferRows, openRows, dueEarnings, runningAllowances, reversals] =
    await Promise.all([
      lockAccounts(sql, platformAccountsOf(commands, options, accountsOfTenant), tenants),
      readOtherAccounts(sql, tenants),
      sql<TransferRow[]>`
      SELECT id, tenant_id, kind, amount_microcents, fee_microcents, released_microcents, held_microcents,
        allowance_microcents, hold_id, reverses_id, transaction_id, expires_at, entry_count, fingerprint, created_at
      FROM ledger_transfers
      WHERE id = ANY (${transferIds}::uuid[] || ARRAY(
        SELECT hold_id FROM ledger_transfers WHERE id = ANY (${postIds}::uuid[])))`,
      holders.size === 0
        ? []
        : sql<OpenHoldRow[]>`
      SELECT hold_id, tenant_id, amount_microcents, allowance_microcents, transaction_id, expires_at FROM ledger_open_holds
      WHERE hold_id = ANY (${[...holders.keys()]}::uuid[])`,
      readDueEarnings(sql, releasing, nowMs),
      readRunningAllowances(sql, ending, nowMs),
      readReversible(sql, postIds),
    ]);
  for (const row of otherRows) accounts.set(row.id, stateOf(row));
  const opened = new Set(commands.flatMap((command) => (command.kind === 'hold' ? [command.id] : [])));
  const existing = new Set(transferRows.map((row) => row.id));
  const holds = new Map<TransferId, OpenHold | null>();
  for (const holdId of holders.keys()) {
    // What this batch may open itself exists only if an earlier batch opened it already.
    if (!opened.has(holdId) || existing.has(holdId)) holds.set(holdId, null);
  }
  for (const row of openRows) holds.set(row.hold_id, openHoldOf(row));
  return {
    accounts,
    transfers: new Map(transferRows.map((row) => [row.id, transferOf(row)])),
    holds,
    dueEarnings,
    runningAllowances,
    ...reversals,
  };
}

interface AccountRow {
  id: LedgerAccountId;
  balance_microcents: bigint;
  last_position: bigint;
}

const stateOf = (row: AccountRow): AccountState => ({
  balanceMicrocents: row.balance_microcents,
  lastPosition: row.last_position,
});

/** Who owns which hold. */
export type Holders = ReadonlyMap<TransferId, LedgerOwner>;

/**
 * Who owns the holds that `commands` take and resolve. Those that aren't known are read without a lock, since a transfer never
 * changes.
 */
export async function readHolders(
  sql: Sql,
  commands: readonly LedgerCommand[],
  known: Holders,
): Promise<Holders> {
  const holders = new Map<TransferId, LedgerOwner>();
  for (const command of commands) {
    if (command.kind === 'hold') holders.set(command.id, command.owner);
    else if ('holdId' in command) {
      const owner = known.get(command.holdId);
      if (owner !== undefined) holders.set(command.holdId, owner);
    }
  }
  const unknown = commands.flatMap((command) =>
    'holdId' in command && !holders.has(command.holdId) ? [command.holdId] : [],
  );
  if (unknown.length === 0) return holders;
  const rows = await sql<Pick<TransferRow, 'id' | 'tenant_id'>[]>`
    SELECT id, tenant_id FROM ledger_transfers
    WHERE id = ANY (${unknown}::uuid[]) AND kind = 'hold'`;
  for (const row of rows) holders.set(row.id, { tenantId: row.tenant_id });
  return holders;
}

/** The accounts of every tenant whose money the batch can move. */
function tenantsOf(
  commands: readonly LedgerCommand[],
  holders: Holders,
  accountsOfTenant: TenantAccountsOf,
): readonly TenantAccounts[] {
  const tenants = new Map<string, LedgerOwner>();
  for (const command of commands) {
    for (const owner of ownersOf(command)) tenants.set(owner.tenantId.toLowerCase(), owner);
  }
  for (const owner of holders.values()) tenants.set(owner.tenantId.toLowerCase(), owner);
  return [...tenants.values()].map(accountsOfTenant);
}

/** The accounts of the platform that the batch moves. */
function platformAccountsOf(
  commands: readonly LedgerCommand[],
  options: BookingOptions,
  accountsOfTenant: TenantAccountsOf,
): readonly LedgerAccountId[] {
  const accounts = commands.flatMap((command) => accountsOf(command, options, accountsOfTenant));
  return accounts.filter(({ kind }) => kind === 'fee' || kind === 'clearing').map(({ id }) => id);
}

async function lockAccounts(
  sql: Sql,
  platformAccounts: readonly LedgerAccountId[],
  tenants: readonly TenantAccounts[],
): Promise<Map<LedgerAccountId, AccountState>> {
  const ids = new Set([...platformAccounts, ...tenants.map(({ available }) => available.id)]);
  const rows = await sql<AccountRow[]>`
    SELECT id, balance_microcents, last_position FROM ledger_accounts
    WHERE id = ANY (${[...ids]}::uuid[])
    ORDER BY id FOR NO KEY UPDATE`;
  if (rows.length !== ids.size) throw new InvariantError('an account of a batch is missing');
  return new Map(rows.map((row) => [row.id, stateOf(row)]));
}

function readOtherAccounts(
  sql: Sql,
  tenants: readonly TenantAccounts[],
): Promise<readonly AccountRow[]> | [] {
  if (tenants.length === 0) return [];
  const ids = tenants.flatMap(({ held, earnings, receivable, allowance }) => [
    held.id,
    earnings.id,
    receivable.id,
    allowance.id,
  ]);
  return sql<AccountRow[]>`
    SELECT id, balance_microcents, last_position FROM ledger_accounts
    WHERE id = ANY (${ids}::uuid[])`;
}

/**
 * Of each tenant the oldest earnings whose time has come, `RELEASED_EARNINGS_MAX` at most, and locked: nobody freezes them any more. Those
 * that somebody freezes or lets go at this moment are left for the next round.
 */
async function readDueEarnings(
  sql: Sql,
  tenantIds: readonly TenantId[],
  nowMs: number,
): Promise<Map<TenantId, PendingEarnings[]>> {
  const due = new Map<TenantId, PendingEarnings[]>();
  if (tenantIds.length === 0) return due;
  const rows = await sql<PendingRow[]>`
    SELECT p.tenant_id, p.transfer_id, p.amount_microcents, p.release_at
    FROM (SELECT DISTINCT jsonb_array_elements_text(${json(tenantIds)}::text::jsonb)::uuid AS id) t,
      LATERAL (
        SELECT * FROM ledger_pending_earnings
        WHERE tenant_id = t.id AND release_at <= ${new Date(nowMs)} AND NOT is_frozen
        ORDER BY release_at LIMIT ${RELEASED_EARNINGS_MAX} FOR UPDATE SKIP LOCKED
      ) p`;
  for (const lot of rows.map(pendingOf)) {
    const { tenantId } = lot.owner;
    const lots = due.get(tenantId) ?? [];
    lots.push(lot);
    due.set(tenantId, lots);
  }
  return due;
}

/** The frozen earnings of posts, and which of the posts were reversed before. */
async function readReversible(
  sql: Sql,
  postIds: readonly TransferId[],
): Promise<Pick<BookState, 'reversible' | 'reversed'>> {
  if (postIds.length === 0) return { reversible: [], reversed: new Set() };
  const ids = json(postIds);
  const [lots, reversals] = await Promise.all([
    sql<PendingRow[]>`
      SELECT tenant_id, transfer_id, amount_microcents, release_at FROM ledger_pending_earnings
      WHERE is_frozen AND transfer_id = ANY (ARRAY(SELECT jsonb_array_elements_text(${ids}::text::jsonb)::uuid))`,
    sql<{ reverses_id: TransferId }[]>`
      SELECT reverses_id FROM ledger_transfers
      WHERE reverses_id = ANY (ARRAY(SELECT jsonb_array_elements_text(${ids}::text::jsonb)::uuid))`,
  ]);
  return {
    reversible: lots.map(pendingOf),
    reversed: new Set(reversals.map((row) => row.reverses_id)),
  };
}
