import type { TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { closedKeyHolds, type KeyHold, keyLimits, openedKeyHolds } from '../accounts/index.ts';
import { type BilledAnswer, endedAnswers } from '../answers/index.ts';
import {
  type BusinessRow,
  businessRow,
  guardedRow,
  transferIdFor,
  type UnitOfWork,
} from '../ledger/index.ts';
import { closedSpendHolds, openedSpendHolds, type SpendHold, spendQuotas } from '../spending/index.ts';
import {
  type BegunTransaction,
  begunTransactions,
  type EndedTransaction,
  endedTransactions,
  type OpenTransaction,
  reheldTransactions,
  type ServingProvider,
  type TransactionPrices,
  type TransactionShare,
} from '../transactions/index.ts';
import { claimedKeys, freedKeys, keptAnswers } from './key-rows.postgres.ts';
import type { KeyClaim } from './ports.ts';
import { receiptRows } from './receipts.ts';

/** The id of a request's hold; a failover to a dearer provider takes a further one. */
export function holdIdFor(id: TransactionId, holds: number): TransferId {
  return transferIdFor('hold', id, String(holds));
}

/** The first step of a request: its hold, its row, and its key where it has one. */
export function beginUnit(
  transaction: BegunTransaction,
  claim: KeyClaim | null,
  holdLifeMs: number,
): UnitOfWork {
  const rows: BusinessRow[] = [businessRow(begunTransactions, transaction)];
  if (claim !== null) rows.push(businessRow(claimedKeys, claim));
  const { guards, holdRows } = holdParts(transaction);
  rows.push(...holdRows);
  return {
    tenantId: transaction.requester.tenantId,
    guards,
    commands: [holdCommand(transaction, transaction.heldMicrocents, transaction.holdId, holdLifeMs)],
    rows,
  };
}

/** A larger hold in place of the one before, in one step: the balance need not reach for both. */
export function reholdUnit(
  transaction: BegunTransaction,
  next: Pick<BegunTransaction, 'holdId' | 'heldMicrocents' | 'completionTokensMax'>,
  holdLifeMs: number,
): UnitOfWork {
  const { id, requester, holdId } = transaction;
  const { guards, holdRows } = holdParts({ ...transaction, ...next });
  return {
    tenantId: requester.tenantId,
    guards,
    commands: [
      { kind: 'void', id: transferIdFor('void', holdId), holdId },
      holdCommand(transaction, next.heldMicrocents, next.holdId, holdLifeMs),
    ],
    rows: [businessRow(reheldTransactions, { id, tenantId: requester.tenantId, ...next }), ...holdRows],
  };
}

/** What a hold means to what the tenant may spend, and to the API key that its request came with, where there is one. */
function holdParts({ id: transactionId, keyId, requester, heldMicrocents, createdAtMs }: BegunTransaction) {
  const { tenantId } = requester;
  const hold: SpendHold = { tenantId, transactionId, heldMicrocents, atMs: createdAtMs };
  const guards = [guardedRow(spendQuotas, hold)];
  const holdRows = [businessRow(openedSpendHolds, hold)];
  if (keyId === null) return { guards, holdRows };
  const keyHold: KeyHold = { keyId, tenantId, transactionId, heldMicrocents, atMs: createdAtMs };
  return {
    guards: [...guards, guardedRow(keyLimits, keyHold)],
    holdRows: [...holdRows, businessRow(openedKeyHolds, keyHold)],
  };
}

/** What the end of a request means to what was set aside for it. */
function charges({ id: transactionId, mayHaveKey, shares, finishedAtMs }: EndedTransaction): BusinessRow[] {
  const costMicrocents = shares.reduce((sum, share) => sum + share.costMicrocents, 0n);
  const charge = { transactionId, costMicrocents, atMs: finishedAtMs };
  const rows = [businessRow(closedSpendHolds, charge)];
  if (mayHaveKey) rows.push(businessRow(closedKeyHolds, charge));
  return rows;
}

/** What is kept of an answer with its bill; null: nothing. */
export interface KeptWithBill {
  /** Sealed, under the idempotency key of its request. */
  readonly underKey: Uint8Array | null;
  /** For whoever comes back for it. */
  readonly stored: BilledAnswer | null;
}

/** The last step of a request that is paid: the hold is posted, the answer is kept. */
export function paidUnit(
  holdId: TransferId,
  ended: EndedTransaction,
  { underKey, stored }: KeptWithBill,
): UnitOfWork {
  const { id, requester, shares } = ended;
  const { tenantId } = requester;
  const rows: BusinessRow[] = [
    businessRow(endedTransactions, ended),
    ...charges(ended),
    ...receiptRows(ended),
  ];
  if (underKey !== null)
    rows.push(businessRow(keptAnswers, { tenantId, transactionId: id, answer: underKey }));
  if (stored !== null) rows.push(businessRow(endedAnswers, stored));
  const payees = shares.map(({ provider, earningsMicrocents }) => ({
    owner: { tenantId: provider.tenantId },
    amountMicrocents: earningsMicrocents,
  }));
  const feeMicrocents = shares.reduce((sum, share) => sum + share.feeMicrocents, 0n);
  return {
    tenantId,
    commands: [{ kind: 'post', id: transferIdFor('post', holdId), holdId, payees, feeMicrocents }],
    rows,
  };
}

/** The last step of a request that nobody pays for: the hold is given back, its key is free again. */
export function unpaidUnit(holdId: TransferId, ended: EndedTransaction): UnitOfWork {
  return {
    tenantId: ended.requester.tenantId,
    commands: [{ kind: 'void', id: transferIdFor('void', holdId), holdId }],
    rows: unpaidRows(ended),
  };
}

/** As `unpaidUnit`, for the hold that `reholdUnit` would have exchanged; refused where it has. */
export function notExchangedUnit(holdId: TransferId, ended: EndedTransaction): UnitOfWork {
  return {
    tenantId: ended.requester.tenantId,
    // Another id than the exchange's own: what it gave back must not count as given back here.
    commands: [{ kind: 'void', id: transferIdFor('void', holdId, 'not exchanged'), holdId }],
    rows: unpaidRows(ended),
  };
}

/** As `unpaidUnit`, for a transaction whose hold is gone. */
export function holdGoneUnit(ended: EndedTransaction): UnitOfWork {
  return { tenantId: ended.requester.tenantId, commands: [], rows: unpaidRows(ended) };
}

/** A share of nothing: its provider is shown a transaction that was not paid. */
export function unpaidShare(provider: ServingProvider, prices: TransactionPrices): TransactionShare {
  return {
    provider,
    prices,
    completionTokens: 0,
    billedTokens: 0,
    costMicrocents: 0n,
    feeMicrocents: 0n,
    earningsMicrocents: 0n,
    claimedTokens: 0,
    countedTokens: 0,
    answerHash: null,
    signature: null,
  };
}

/** The end of a transaction that nobody works on any more. */
export function abandonedEnd(
  open: OpenTransaction,
  failureCode: string,
  finishedAtMs: number,
): EndedTransaction {
  const { id, requester, model, promptTokens, createdAtMs, provider, prices } = open;
  return {
    id,
    requester,
    model,
    promptTokens,
    cachedPromptTokens: 0,
    reasoningTokens: 0,
    createdAtMs,
    state: 'FAILED',
    attempts: 1,
    finishReason: null,
    failureCode,
    finishedAtMs,
    allowanceMicrocents: 0n,
    mayHaveKey: true,
    orderHash: null,
    tokenizer: null,
    shares: [unpaidShare(provider, prices)],
  };
}

function unpaidRows(ended: EndedTransaction): BusinessRow[] {
  const { id, requester } = ended;
  return [
    businessRow(endedTransactions, ended),
    businessRow(freedKeys, { tenantId: requester.tenantId, transactionId: id }),
    ...charges(ended),
    ...receiptRows(ended),
  ];
}

function holdCommand(
  { id: transactionId, requester }: BegunTransaction,
  amountMicrocents: Microcents,
  id: TransferId,
  expiresAfterMs: number,
) {
  const owner = { tenantId: requester.tenantId };
  return { kind: 'hold', id, owner, amountMicrocents, expiresAfterMs, transactionId } as const;
}
