import type { TransactionId } from '../../kernel/ids.ts';
import type { ComputeOrder, OpenTransaction, Requester } from './types.ts';

/** A transaction before anybody serves it and before anything is held; the requester stands in for the provider. */
export function newTransaction(
  id: TransactionId,
  requester: Requester,
  { model, promptTokens, idempotencyKey }: ComputeOrder,
  completionTokensMax: number,
  createdAtMs: number,
): OpenTransaction {
  return {
    id,
    requester,
    model,
    providerId: id,
    providerOwner: requester,
    priceCentsPer1000Tokens: 0n,
    attempts: 0,
    holdId: null,
    heldCents: 0n,
    promptTokens,
    completionTokensMax,
    createdAtMs,
    isKeyed: idempotencyKey !== null,
  };
}
