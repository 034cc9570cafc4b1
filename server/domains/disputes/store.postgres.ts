import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { notFound } from '../../kernel/errors.ts';
import type { AccountId, DisputeId, TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import { addedDecisions, decisionsAboutDisputes } from '../decisions/index.ts';
import { freezeEarnings, transferIdFor, unfrozenEarnings } from '../ledger/index.ts';
import { findSettled, type SettledTransaction } from '../transactions/index.ts';
import { disputeDecided, disputeExists, earningsReleased, requireRoom, transactionUnpaid } from './errors.ts';
import {
  ANSWER_MS,
  DECISION_MS,
  OPEN_DISPUTES_MAX,
  RECENT_DISPUTES_MAX,
  RECENT_MS,
  STATEMENTS_MAX,
} from './limits.ts';
import type { DisputeStore, NewDispute } from './ports.ts';
import { decidedDisputes } from './rows.postgres.ts';
import { stateAfter } from './rules.ts';
import type {
  DisputedShare,
  DisputeEnd,
  DisputeReason,
  DisputeState,
  SealedStatement,
  StoredDispute,
} from './types.ts';

interface DisputeRow {
  id: DisputeId;
  transaction_id: TransactionId;
  tenant_id: TenantId;
  account_id: AccountId;
  state: DisputeState;
  reason: DisputeReason;
  model: string;
  post_id: TransferId;
  cost_microcents: bigint;
  refunded_microcents: bigint;
  keeps_fee: boolean;
  opened_at: Date;
  is_answered: boolean;
  decided_by_rule_at: Date;
  decided_at: Date | null;
}

interface ShareRow {
  dispute_id: DisputeId;
  provider_id: string;
  tenant_id: TenantId;
  cost_microcents: bigint;
  fee_microcents: bigint;
  earnings_microcents: bigint;
  agreed_at: Date | null;
}

interface StatementRow {
  dispute_id: DisputeId;
  id: string;
  tenant_id: TenantId;
  side: SealedStatement['side'];
  said_at: Date;
  words: Uint8Array;
}

/** Disputes in PostgreSQL. They name both of their sides, so the server alone reads and writes them, by side. */
export function createDisputeStore(database: Database): DisputeStore {
  const system = <T>(work: (sql: Sql) => Promise<T>) => database.system('money', work);
  return {
    open: (requester, dispute, nowMs) => system((sql) => open(sql, requester, dispute, nowMs)),
    find: (id) =>
      system(async (sql) => {
        const rows = await sql<DisputeRow[]>`SELECT * FROM marketplace_disputes WHERE id = ${id}`;
        return (await withShares(sql, rows))[0] ?? null;
      }),
    historiesOf: (ids) =>
      system(async (sql) => {
        const rows = await sql<StatementRow[]>`
          SELECT dispute_id, id, tenant_id, side, said_at, words FROM marketplace_dispute_statements
          WHERE dispute_id = ANY (${[...ids]}::uuid[]) ORDER BY said_at, id`;
        const decisions = await decisionsAboutDisputes<DisputeState>(sql, ids);
        return (id) => ({
          statements: rows.filter((row) => row.dispute_id === id).map(toStatement),
          decisions: decisions.flatMap(({ disputeId, decision }) => (disputeId === id ? [decision] : [])),
        });
      }),
    ...lists(system),
    addStatement: (id, statement) =>
      system(async (sql) => {
        await lockOpen(sql, id);
        await addStatement(sql, id, statement);
      }),
    agree: (id, { tenantId }, nowMs) =>
      system(async (sql) => {
        const row = await lockOpen(sql, id);
        await sql`
          UPDATE marketplace_dispute_shares SET agreed_at = ${new Date(nowMs)}
          WHERE dispute_id = ${id} AND tenant_id = ${tenantId} AND agreed_at IS NULL`;
        // Should the server end before it gives everything back, the job does.
        await sql`
          UPDATE marketplace_disputes SET is_answered = true, decided_by_rule_at = CASE WHEN EXISTS (
              SELECT FROM marketplace_dispute_shares WHERE dispute_id = ${id} AND agreed_at IS NULL)
            THEN opened_at + make_interval(secs => ${DECISION_MS / 1_000}) ELSE ${new Date(nowMs)}::timestamptz END
          WHERE id = ${id}`;
        const [dispute] = await withShares(sql, [row]);
        if (dispute === undefined) throw notFound('dispute');
        return dispute;
      }),
    refuse: (dispute, end, nowMs) => system((sql) => refuse(sql, dispute, end, nowMs)),
  };
}

function lists(
  system: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>,
): Pick<DisputeStore, 'list' | 'listAll' | 'findDue'> {
  return {
    list: (actor, side, { state, after, limit, transactionId = null }) =>
      system(async (sql) => {
        const { at, id } = sqlPosition(after);
        const behind = sql`(${state}::text IS NULL OR state = ${state})
          AND (${transactionId}::uuid IS NULL OR transaction_id = ${transactionId})
          AND (${at}::timestamptz IS NULL OR (opened_at, id) < (${at}::timestamptz, ${id}::uuid))`;
        const rows =
          side === 'requester'
            ? await sql<DisputeRow[]>`
                SELECT * FROM marketplace_disputes
                WHERE tenant_id = ${actor.tenantId} AND account_id = ${actor.accountId} AND ${behind}
                ORDER BY opened_at DESC, id DESC LIMIT ${limit}`
            : await sql<DisputeRow[]>`
                SELECT * FROM marketplace_disputes
                WHERE id IN (
                    SELECT dispute_id FROM marketplace_dispute_shares WHERE tenant_id = ${actor.tenantId})
                  AND ${behind}
                ORDER BY opened_at DESC, id DESC LIMIT ${limit}`;
        return withShares(sql, rows);
      }),
    listAll: ({ state, after, limit }) =>
      system(async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows = await sql<DisputeRow[]>`
          SELECT * FROM marketplace_disputes
          WHERE (${state}::text IS NULL OR state = ${state})
            AND (${at}::timestamptz IS NULL OR (opened_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY opened_at, id LIMIT ${limit}`;
        return withShares(sql, rows);
      }),
    findDue: (nowMs, limit) =>
      system(async (sql) => {
        const rows = await sql<DisputeRow[]>`
          SELECT * FROM marketplace_disputes WHERE state = 'open' AND decided_by_rule_at <= ${new Date(nowMs)}
          ORDER BY decided_by_rule_at LIMIT ${limit}`;
        return withShares(sql, rows);
      }),
  };
}

async function open(sql: Sql, requester: AccountActor, dispute: NewDispute, nowMs: number): Promise<void> {
  const { id, transactionId, reason, statement } = dispute;
  const { tenantId, accountId } = requester;
  const whole = await findSettled(sql, requester, transactionId);
  if (whole === null) throw notFound('transaction');
  const settled = paidToOthers(whole, tenantId);
  if (settled.costMicrocents === 0n) throw transactionUnpaid();
  await requireRoomFor(sql, accountId, nowMs);
  const postId = transferIdFor('post', settled.holdId);
  const at = new Date(nowMs);
  const written = await sql`
    INSERT INTO marketplace_disputes (id, transaction_id, tenant_id, account_id, state, reason, model, post_id,
      cost_microcents, opened_at, decided_by_rule_at)
    VALUES (${id}, ${transactionId}, ${tenantId}, ${accountId}, 'open', ${reason}, ${settled.model}, ${postId},
      ${settled.costMicrocents}, ${at}, ${new Date(nowMs + ANSWER_MS)})
    ON CONFLICT (transaction_id) DO NOTHING`;
  if (written.count === 0) throw disputeExists();
  await addShares(sql, id, settled, at);
  await addStatement(sql, id, statement);
  const tenantIds = earnersOf(settled);
  // Where nobody earned anything, nothing waits: it is as if it were released.
  const frozen = tenantIds.length === 0 ? 0 : await freezeEarnings(sql, { postId, tenantIds }, nowMs);
  if (frozen === 0 || frozen < tenantIds.length) throw earningsReleased();
}

/** Without what machines of the requester's own did: its flat price is for carrying it, and stays the platform's. */
function paidToOthers(whole: SettledTransaction, tenantId: TenantId): SettledTransaction {
  const shares = whole.shares.filter((share) => share.tenantId !== tenantId);
  return { ...whole, shares, costMicrocents: shares.reduce((sum, share) => sum + share.costMicrocents, 0n) };
}

/** The tenants that have earned something, each once. */
function earnersOf({
  shares,
}: {
  readonly shares: readonly Pick<DisputedShare, 'tenantId' | 'earningsMicrocents'>[];
}): TenantId[] {
  const earners = shares.filter(({ earningsMicrocents }) => earningsMicrocents > 0n);
  return [...new Set(earners.map(({ tenantId }) => tenantId))];
}

/** Others of the account that open one wait for the end of the transaction. */
async function requireRoomFor(sql: Sql, accountId: AccountId, nowMs: number): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('marketplace_disputes ' || ${accountId}::text, 0))`;
  const [row] = await sql<{ open: bigint; recent: bigint }[]>`
    SELECT count(*) FILTER (WHERE state = 'open') AS open,
      count(*) FILTER (WHERE opened_at > ${new Date(nowMs - RECENT_MS)}) AS recent
    FROM marketplace_disputes WHERE account_id = ${accountId}`;
  requireRoom(
    Number(row?.open ?? 0n),
    OPEN_DISPUTES_MAX,
    `An account has at most ${OPEN_DISPUTES_MAX} disputes open.`,
  );
  requireRoom(
    Number(row?.recent ?? 0n),
    RECENT_DISPUTES_MAX,
    `An account opens at most ${RECENT_DISPUTES_MAX} disputes in 30 days.`,
  );
}

async function addShares(sql: Sql, id: DisputeId, { shares }: SettledTransaction, at: Date): Promise<void> {
  const rows = shares.map((share) => ({
    providerId: share.providerId,
    tenantId: share.tenantId,
    cost: String(share.costMicrocents),
    fee: String(share.feeMicrocents),
    earnings: String(share.earningsMicrocents),
  }));
  await sql`
    INSERT INTO marketplace_dispute_shares (dispute_id, provider_id, tenant_id, opened_at, cost_microcents, fee_microcents,
      earnings_microcents)
    SELECT ${id}, "providerId", "tenantId", ${at}, cost, fee, earnings
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row("providerId" uuid, "tenantId" uuid, cost bigint,
      fee bigint, earnings bigint)`;
}

/** Whoever changes a dispute holds its lock. Refuses with `dispute_decided`. */
async function lockOpen(sql: Sql, id: DisputeId): Promise<DisputeRow> {
  const [row] = await sql<DisputeRow[]>`SELECT * FROM marketplace_disputes WHERE id = ${id} FOR UPDATE`;
  if (row === undefined) throw notFound('dispute');
  if (row.state !== 'open') throw disputeDecided();
  return row;
}

/** The caller holds the dispute's lock, or has made it. */
async function addStatement(sql: Sql, id: DisputeId, statement: SealedStatement): Promise<void> {
  const { tenantId, side, saidAtMs, words } = statement;
  const [row] = await sql<{ count: bigint }[]>`
    SELECT count(*) FROM marketplace_dispute_statements
    WHERE dispute_id = ${id} AND tenant_id = ${tenantId} AND side = ${side}`;
  requireRoom(
    Number(row?.count ?? 0n),
    STATEMENTS_MAX,
    `Each side of a dispute says something at most ${STATEMENTS_MAX} times.`,
  );
  await sql`
    INSERT INTO marketplace_dispute_statements (id, dispute_id, tenant_id, side, said_at, words)
    VALUES (${statement.id}, ${id}, ${tenantId}, ${side}, ${new Date(saidAtMs)}, ${words})`;
  if (side === 'requester') return;
  await sql`
    UPDATE marketplace_disputes SET is_answered = true,
      decided_by_rule_at = opened_at + make_interval(secs => ${DECISION_MS / 1_000})
    WHERE id = ${id} AND NOT is_answered`;
}

async function refuse(sql: Sql, dispute: StoredDispute, end: DisputeEnd, nowMs: number): Promise<void> {
  const { id, requester, postId, costMicrocents } = dispute;
  const { refundedMicrocents, keepsFee, ...decided } = end;
  await lockOpen(sql, id);
  const state = stateAfter(refundedMicrocents, costMicrocents);
  await decidedDisputes.write(sql, [{ id, state, refundedMicrocents, keepsFee, atMs: nowMs }]);
  await addedDecisions.write(sql, [
    {
      subject: { kind: 'dispute', id },
      tenantId: requester.tenantId,
      decision: { outcome: state, ...decided },
      atMs: nowMs,
    },
  ]);
  await unfrozenEarnings.write(sql, [{ postId, tenantIds: earnersOf(dispute) }]);
}

async function withShares(sql: Sql, rows: readonly DisputeRow[]): Promise<StoredDispute[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const shares = await sql<ShareRow[]>`
    SELECT * FROM marketplace_dispute_shares WHERE dispute_id = ANY (${ids}::uuid[]) ORDER BY dispute_id, provider_id`;
  return rows.map((row) => ({
    id: row.id,
    transactionId: row.transaction_id,
    requester: { tenantId: row.tenant_id, accountId: row.account_id },
    state: row.state,
    reason: row.reason,
    model: row.model,
    postId: row.post_id,
    costMicrocents: row.cost_microcents,
    refundedMicrocents: row.refunded_microcents,
    keepsFee: row.keeps_fee,
    createdAtMs: row.opened_at.getTime(),
    isAnswered: row.is_answered,
    decidedByRuleAtMs: row.decided_by_rule_at.getTime(),
    decidedAtMs: row.decided_at?.getTime() ?? null,
    shares: shares.filter((share) => share.dispute_id === row.id).map(toShare),
  }));
}

const toShare = (row: ShareRow): DisputedShare => ({
  providerId: row.provider_id,
  tenantId: row.tenant_id,
  costMicrocents: row.cost_microcents,
  feeMicrocents: row.fee_microcents,
  earningsMicrocents: row.earnings_microcents,
  agreedAtMs: row.agreed_at?.getTime() ?? null,
});

const toStatement = (row: StatementRow): SealedStatement => ({
  id: row.id,
  tenantId: row.tenant_id,
  side: row.side,
  saidAtMs: row.said_at.getTime(),
  words: row.words,
});
