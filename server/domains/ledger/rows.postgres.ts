import type { Sql } from '../../kernel/database.ts';
import type { TransferId } from '../../kernel/ids.ts';
import type { BookChanges } from './book-decisions.ts';
import type { LedgerOwner, OpenHold, PendingEarnings, Transfer } from './types.ts';

/** A row of `ledger_transfers`. */
export interface TransferRow {
  id: TransferId;
  tenant_id: LedgerOwner['tenantId'];
  kind: Transfer['kind'];
  amount_microcents: bigint;
  fee_microcents: bigint;
  released_microcents: bigint;
  held_microcents: bigint;
  allowance_microcents: bigint;
  hold_id: TransferId | null;
  reverses_id: TransferId | null;
  transaction_id: Transfer['transactionId'];
  expires_at: Date | null;
  entry_count: number;
  fingerprint: string;
  created_at: Date;
}

/** A row of `ledger_open_holds`. */
export interface OpenHoldRow {
  hold_id: TransferId;
  tenant_id: LedgerOwner['tenantId'];
  amount_microcents: bigint;
  allowance_microcents: bigint;
  transaction_id: OpenHold['transactionId'];
  expires_at: Date;
}

/** A row of `ledger_pending_earnings`. */
export interface PendingRow {
  tenant_id: LedgerOwner['tenantId'];
  transfer_id: TransferId;
  amount_microcents: bigint;
  release_at: Date;
}

/** Waiting earnings of the database as the domain has them. */
export const pendingOf = (row: PendingRow): PendingEarnings => ({
  transferId: row.transfer_id,
  owner: { tenantId: row.tenant_id },
  amountMicrocents: row.amount_microcents,
  releaseAtMs: row.release_at.getTime(),
});

/** JSON with amounts in digits: the database reads them as bigint, exactly. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part));
}

/** A transfer of the database as the domain has it. */
export function transferOf(row: TransferRow): Transfer {
  return {
    id: row.id,
    owner: { tenantId: row.tenant_id },
    kind: row.kind,
    amountMicrocents: row.amount_microcents,
    feeMicrocents: row.fee_microcents,
    releasedMicrocents: row.released_microcents,
    heldMicrocents: row.held_microcents,
    allowanceMicrocents: row.allowance_microcents,
    holdId: row.hold_id,
    reversesId: row.reverses_id,
    transactionId: row.transaction_id,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    entryCount: row.entry_count,
    fingerprint: row.fingerprint,
    createdAtMs: row.created_at.getTime(),
  };
}

/** An open hold of the database as the domain has it. */
export function openHoldOf(row: OpenHoldRow): OpenHold {
  return {
    holdId: row.hold_id,
    owner: { tenantId: row.tenant_id },
    amountMicrocents: row.amount_microcents,
    allowanceMicrocents: row.allowance_microcents,
    transactionId: row.transaction_id,
    expiresAtMs: row.expires_at.getTime(),
  };
}

/** Open holds whose time was over at `nowMs`, oldest first. */
export async function findExpiredHolds(sql: Sql, nowMs: number, limit: number): Promise<OpenHold[]> {
  const rows = await sql<OpenHoldRow[]>`
    SELECT hold_id, tenant_id, amount_microcents, allowance_microcents, transaction_id, expires_at FROM ledger_open_holds
    WHERE expires_at <= ${new Date(nowMs)} ORDER BY expires_at LIMIT ${limit}`;
  return rows.map(openHoldOf);
}

/** Tenants with earnings whose release time was over at `nowMs`, the longest waiting first. */
export async function findDueEarners(sql: Sql, nowMs: number, limit: number): Promise<LedgerOwner[]> {
  const rows = await sql<Pick<OpenHoldRow, 'tenant_id'>[]>`
    SELECT tenant_id FROM ledger_pending_earnings WHERE release_at <= ${new Date(nowMs)} AND NOT is_frozen
    GROUP BY tenant_id ORDER BY min(release_at) LIMIT ${limit}`;
  return rows.map((row) => ({ tenantId: row.tenant_id }));
}

/**
 * Writes what a batch adds: transfers first, since their entries complete them. The rules of the tables move balances and
 * the working lists, and refuse the whole transaction when anything doesn't fit.
 */
export async function keepChanges(sql: Sql, changes: BookChanges, nowMs: number): Promise<void> {
  if (changes.transfers.length === 0) return;
  const now = new Date(nowMs);
  await Promise.all([
    insertTransfers(sql, changes.transfers, now),
    changes.entries.length === 0 ? null : insertEntries(sql, changes.entries, now),
    changes.releasedEarnings.length === 0 ? null : deleteReleased(sql, changes.releasedEarnings),
  ]);
}

// In a list the client takes a bigint's or a date's type for the list's.
const digits = (amount: bigint) => amount.toString();
const isoTime = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** One array a column: one statement whatever the number of rows, and cheaper to read than JSON. */
function insertTransfers(sql: Sql, transfers: BookChanges['transfers'], now: Date) {
  return sql`
    INSERT INTO ledger_transfers (id, tenant_id, kind, amount_microcents, fee_microcents, released_microcents,
      held_microcents, allowance_microcents, hold_id, reverses_id, transaction_id, expires_at, entry_count, fingerprint, created_at)
    SELECT *, ${now}::timestamptz FROM unnest(
      ${transfers.map(({ id }) => id)}::uuid[],
      ${transfers.map(({ owner }) => owner.tenantId)}::uuid[],
      ${transfers.map(({ kind }) => kind)}::text[],
      ${transfers.map(({ amountMicrocents }) => digits(amountMicrocents))}::bigint[],
      ${transfers.map(({ feeMicrocents }) => digits(feeMicrocents))}::bigint[],
      ${transfers.map(({ releasedMicrocents }) => digits(releasedMicrocents))}::bigint[],
      ${transfers.map(({ heldMicrocents }) => digits(heldMicrocents))}::bigint[],
      ${transfers.map(({ allowanceMicrocents }) => digits(allowanceMicrocents))}::bigint[],
      ${transfers.map(({ holdId }) => holdId)}::uuid[],
      ${transfers.map(({ reversesId }) => reversesId)}::uuid[],
      ${transfers.map(({ transactionId }) => transactionId)}::uuid[],
      ${transfers.map(({ expiresAtMs }) => isoTime(expiresAtMs))}::timestamptz[],
      ${transfers.map(({ entryCount }) => entryCount)}::smallint[],
      ${transfers.map(({ fingerprint }) => fingerprint)}::text[])`;
}

function insertEntries(sql: Sql, entries: BookChanges['entries'], now: Date) {
  return sql`
    INSERT INTO ledger_entries (account_id, position, transfer_id, tenant_id, account_kind, transfer_kind,
      transaction_id, amount_microcents, release_at, created_at)
    SELECT *, ${now}::timestamptz FROM unnest(
      ${entries.map(({ account }) => account.id)}::uuid[],
      ${entries.map(({ position }) => digits(position))}::bigint[],
      ${entries.map(({ transferId }) => transferId)}::uuid[],
      ${entries.map(({ account }) => account.tenantId)}::uuid[],
      ${entries.map(({ account }) => account.kind)}::text[],
      ${entries.map(({ transferKind }) => transferKind)}::text[],
      ${entries.map(({ transactionId }) => transactionId)}::uuid[],
      ${entries.map(({ amountMicrocents }) => digits(amountMicrocents))}::bigint[],
      ${entries.map(({ releaseAtMs }) => isoTime(releaseAtMs))}::timestamptz[])`;
}

function deleteReleased(sql: Sql, released: BookChanges['releasedEarnings']) {
  return sql`
    DELETE FROM ledger_pending_earnings p
    USING unnest(
      ${released.map(({ owner }) => owner.tenantId)}::uuid[],
      ${released.map(({ transferId }) => transferId)}::uuid[]) AS row (tenant_id, transfer_id)
    WHERE p.tenant_id = row.tenant_id AND p.transfer_id = row.transfer_id`;
}

/** Earnings of a post: those of these tenants. */
export interface PostedEarnings {
  readonly postId: TransferId;
  readonly tenantIds: readonly LedgerOwner['tenantId'][];
}

/**
 * Keeps waiting earnings from their release until `unfrozenEarnings` lets them go, in the caller's transaction; returns of how many of the
 * tenants. What is released, due at `nowMs`, or frozen already is left.
 */
export async function freezeEarnings(
  sql: Sql,
  { postId, tenantIds }: PostedEarnings,
  nowMs: number,
): Promise<number> {
  const { count } = await sql`
    UPDATE ledger_pending_earnings SET is_frozen = true
    WHERE tenant_id = ANY (${tenantIds}::uuid[]) AND transfer_id = ${postId} AND NOT is_frozen
      AND release_at > ${new Date(nowMs)}`;
  return count;
}

/** Lets frozen earnings, or what a reversal left of them, go on to their release. */
export const unfrozenEarnings = {
  name: 'ledger_pending_earnings',
  async write(sql: Sql, posts: readonly PostedEarnings[]): Promise<void> {
    const rows = posts.flatMap(({ postId, tenantIds }) =>
      tenantIds.map((tenantId) => ({ postId, tenantId })),
    );
    await sql`
      UPDATE ledger_pending_earnings pending SET is_frozen = false
      FROM jsonb_to_recordset(${json(rows)}::text::jsonb) AS row("tenantId" uuid, "postId" uuid)
      WHERE pending.tenant_id = row."tenantId" AND pending.transfer_id = row."postId"`;
  },
};
