import type { Database } from '../../kernel/database.ts';
import type { AccountId, DeviceId, TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import type { TransactionStore } from './ports.ts';
import type { Generation, OpenTransaction, Transaction, TransactionState } from './types.ts';

/** Transactions in PostgreSQL. The server writes across tenants; whoever asks reads as its own tenant. */
export function createTransactionStore(database: Database): TransactionStore {
  return {
    findOpen: ({ nodeId, createdBeforeMs }, after, limit) =>
      database.system('money', async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows = await sql<OpenRow[]>`
          SELECT id, tenant_id, account_id, model, provider_id, provider_tenant_id, provider_device_id, hold_id,
            prompt_tokens, created_at, prompt_microcents_per_1000_tokens, cached_prompt_microcents_per_1000_tokens,
            completion_microcents_per_1000_tokens
          FROM marketplace_transactions
          WHERE state = 'PROCESSING' AND (node_id = ${nodeId} OR created_at < ${new Date(createdBeforeMs)})
            AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(openOf);
      }),

    findTransaction: (actor, id) =>
      database.tenant(actor, async (sql) => {
        const [asked] = await sql<SharedRow[]>`
          SELECT id, model, state, provider_id, prompt_tokens, completion_tokens, billed_tokens, cost_microcents,
            fee_microcents, earnings_microcents, allowance_microcents, refunded_microcents, refunded_earnings_microcents, tokenizer, finish_reason, failure_code, created_at, finished_at
          FROM marketplace_transactions
          WHERE id = ${id} AND tenant_id = ${actor.tenantId} AND account_id = ${actor.accountId}`;
        if (asked) return transactionOf('requester', asked);
        const [served] = await sql<SharedRow[]>`
          SELECT transaction_id AS id, model, state, provider_id, prompt_tokens, completion_tokens, billed_tokens,
            cost_microcents, fee_microcents, earnings_microcents, refunded_microcents, refunded_earnings_microcents, tokenizer, finish_reason, failure_code, created_at, finished_at
          FROM marketplace_served WHERE transaction_id = ${id} AND tenant_id = ${actor.tenantId}
          ORDER BY billed_tokens DESC LIMIT 1`;
        return served ? transactionOf('provider', served) : null;
      }),

    findGeneration: (actor, id, keyId) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<GenerationRow[]>`
          SELECT id, model, state, provider_id, prompt_tokens, completion_tokens, billed_tokens, cost_microcents,
            fee_microcents, earnings_microcents, allowance_microcents, refunded_microcents, refunded_earnings_microcents, tokenizer, finish_reason, failure_code, created_at, finished_at, cached_prompt_tokens, reasoning_tokens, is_streamed,
            EXISTS (SELECT FROM marketplace_served own WHERE own.transaction_id = asked.id
              AND own.tenant_id = ${actor.tenantId} AND own.provider_id = asked.provider_id) AS is_own
          FROM marketplace_transactions asked
          WHERE id = ${id} AND tenant_id = ${actor.tenantId} AND account_id = ${actor.accountId}
            AND (${keyId}::uuid IS NULL OR key_id = ${keyId})`;
        return row ? generationOf(row) : null;
      }),

    listTransactions: (actor, role, after, limit) =>
      database.tenant(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows =
          role === 'requester'
            ? await sql<SharedRow[]>`
                SELECT id, model, state, provider_id, prompt_tokens, completion_tokens, billed_tokens, cost_microcents,
                  fee_microcents, earnings_microcents, allowance_microcents, refunded_microcents, refunded_earnings_microcents, tokenizer, finish_reason, failure_code, created_at, finished_at
                FROM marketplace_transactions
                WHERE tenant_id = ${actor.tenantId} AND account_id = ${actor.accountId}
                  AND (${at}::timestamptz IS NULL OR (created_at, id) < (${at}::timestamptz, ${id}::uuid))
                ORDER BY created_at DESC, id DESC LIMIT ${limit}`
            : await sql<SharedRow[]>`
                SELECT transaction_id AS id, model, state, provider_id, prompt_tokens, completion_tokens, billed_tokens,
                  cost_microcents, fee_microcents, earnings_microcents, refunded_microcents, refunded_earnings_microcents, tokenizer, finish_reason, failure_code, created_at,
                  finished_at
                FROM marketplace_served
                WHERE tenant_id = ${actor.tenantId}
                  AND (${at}::timestamptz IS NULL OR (created_at, transaction_id) < (${at}::timestamptz, ${id}::uuid))
                ORDER BY created_at DESC, transaction_id DESC LIMIT ${limit}`;
        return rows.map((row) => transactionOf(role, row));
      }),
  };
}

interface SharedRow {
  readonly id: TransactionId;
  readonly state: TransactionState;
  readonly model: string;
  readonly provider_id: string;
  readonly prompt_tokens: bigint;
  readonly completion_tokens: bigint;
  readonly billed_tokens: bigint;
  readonly cost_microcents: bigint;
  readonly fee_microcents: bigint;
  readonly earnings_microcents: bigint;
  /** Absent from a provider's row. */
  readonly allowance_microcents?: bigint;
  readonly refunded_microcents: bigint;
  readonly refunded_earnings_microcents: bigint;
  readonly tokenizer: string | null;
  readonly finish_reason: string | null;
  readonly failure_code: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

interface GenerationRow extends SharedRow {
  readonly cached_prompt_tokens: bigint;
  readonly reasoning_tokens: bigint;
  readonly is_streamed: boolean | null;
  readonly is_own: boolean;
}

interface OpenRow {
  readonly id: TransactionId;
  readonly tenant_id: TenantId;
  readonly account_id: AccountId;
  readonly model: string;
  readonly provider_id: string;
  readonly provider_tenant_id: TenantId;
  readonly provider_device_id: DeviceId;
  readonly hold_id: TransferId;
  readonly prompt_tokens: bigint;
  readonly created_at: Date;
  readonly prompt_microcents_per_1000_tokens: bigint;
  readonly cached_prompt_microcents_per_1000_tokens: bigint;
  readonly completion_microcents_per_1000_tokens: bigint;
}

function transactionOf(role: Transaction['role'], row: SharedRow): Transaction {
  return {
    id: row.id,
    role,
    state: row.state,
    model: row.model,
    providerId: row.provider_id,
    promptTokens: Number(row.prompt_tokens),
    completionTokens: Number(row.completion_tokens),
    billedTokens: Number(row.billed_tokens),
    costMicrocents: row.cost_microcents,
    feeMicrocents: row.fee_microcents,
    earningsMicrocents: row.earnings_microcents,
    allowanceMicrocents: row.allowance_microcents ?? 0n,
    refundedMicrocents: row.refunded_microcents,
    refundedEarningsMicrocents: row.refunded_earnings_microcents,
    tokenizer: row.tokenizer,
    finishReason: row.finish_reason,
    failureCode: row.failure_code,
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
  };
}

function generationOf(row: GenerationRow): Generation {
  return {
    ...transactionOf('requester', row),
    cachedPromptTokens: Number(row.cached_prompt_tokens),
    reasoningTokens: Number(row.reasoning_tokens),
    isStreamed: row.is_streamed,
    isOwn: row.is_own,
  };
}

function openOf(row: OpenRow): OpenTransaction {
  return {
    id: row.id,
    requester: { tenantId: row.tenant_id, accountId: row.account_id },
    model: row.model,
    provider: {
      providerId: row.provider_id,
      tenantId: row.provider_tenant_id,
      deviceId: row.provider_device_id,
    },
    prices: {
      prompt: row.prompt_microcents_per_1000_tokens,
      cachedPrompt: row.cached_prompt_microcents_per_1000_tokens,
      completion: row.completion_microcents_per_1000_tokens,
    },
    holdId: row.hold_id,
    promptTokens: Number(row.prompt_tokens),
    createdAtMs: row.created_at.getTime(),
  };
}
