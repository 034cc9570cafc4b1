import type { TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { InterruptedTransaction, Settlement, Transaction, TransactionState } from './types.ts';

interface SharedRow {
  readonly state: TransactionState;
  readonly model: string;
  readonly provider_id: string;
  readonly prompt_tokens: bigint;
  readonly completion_tokens: bigint;
  readonly billed_tokens: bigint;
  readonly cost_cents: bigint;
  readonly fee_cents: bigint;
  readonly earnings_cents: bigint;
  readonly finish_reason: string | null;
  readonly failure_code: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

/** A row of `marketplace_transactions` as its requester may read it. */
export interface RequesterRow extends SharedRow {
  readonly id: TransactionId;
}

/** A row of `marketplace_served`. */
export interface ServedRow extends SharedRow {
  readonly transaction_id: TransactionId;
}

/** A whole row of `marketplace_transactions`, for the server itself. */
export interface InterruptedRow extends RequesterRow {
  readonly hold_id: TransferId | null;
  readonly provider_tenant_id: TenantId;
  readonly intent_state: Settlement['state'] | null;
  readonly claimed_tokens: bigint;
  readonly counted_tokens: bigint;
}

/** A transaction as its requester sees it. */
export function transactionOfRequester(row: RequesterRow): Transaction {
  return { id: row.id, role: 'requester', ...sharedOf(row) };
}

/** A transaction as the provider's owner sees it. */
export function transactionOfServed(row: ServedRow): Transaction {
  return { id: row.transaction_id, role: 'provider', ...sharedOf(row) };
}

function sharedOf(row: SharedRow): Omit<Transaction, 'id' | 'role'> {
  return {
    state: row.state,
    model: row.model,
    providerId: row.provider_id,
    promptTokens: Number(row.prompt_tokens),
    completionTokens: Number(row.completion_tokens),
    billedTokens: Number(row.billed_tokens),
    costCents: row.cost_cents,
    feeCents: row.fee_cents,
    earningsCents: row.earnings_cents,
    finishReason: row.finish_reason,
    failureCode: row.failure_code,
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
  };
}

/** An open transaction with what was decided about it. */
export function interruptedOf(row: InterruptedRow): InterruptedTransaction {
  return {
    transaction: {
      id: row.id,
      providerOwner: { tenantId: row.provider_tenant_id },
      holdId: row.hold_id,
      createdAtMs: row.created_at.getTime(),
    },
    settlement:
      row.intent_state === null
        ? null
        : {
            state: row.intent_state,
            completionTokens: Number(row.completion_tokens),
            billedTokens: Number(row.billed_tokens),
            costCents: row.cost_cents,
            feeCents: row.fee_cents,
            earningsCents: row.earnings_cents,
            finishReason:
              row.finish_reason === 'stop' || row.finish_reason === 'length' ? row.finish_reason : null,
            failureCode: row.intent_state === 'CANCELLED' ? 'request_cancelled' : null,
            claimedTokens: Number(row.claimed_tokens),
            countedTokens: Number(row.counted_tokens),
          },
  };
}
