import type { TransactionId } from '../../kernel/ids.ts';
import type {
  FailureCode,
  InterruptedTransaction,
  Offer,
  OpenTransaction,
  ProviderDevice,
  ProviderId,
  ProviderOwner,
  Settlement,
  Transaction,
  TransactionCursor,
  TransactionPage,
} from './types.ts';

/** A provider as the core scores it; see `Candidate` of the core. */
export interface ScoredCandidate {
  readonly price: number;
  readonly quality: number;
  readonly latencyMs: number;
  readonly availability: number;
  readonly fairness: number;
  readonly utilization: number;
}

/** The part of the compute core that knows fair distribution. */
export interface ScoringCore {
  readonly candidatesMax: number;
  /** One score a candidate, higher is better, already damped by utilization. */
  score(
    candidates: readonly ScoredCandidate[],
  ): { readonly ok: true; readonly scores: Float32Array } | { readonly ok: false; readonly reason: string };
}

/** Where offers and transactions are kept. */
export interface MarketplaceStore {
  /** Keeps an offer in place of the device's earlier one; returns the device's provider id, `newId` for a new one. */
  saveOffer(device: ProviderDevice, offer: Offer, newId: ProviderId, nowMs: number): Promise<ProviderId>;
  insertTransaction(transaction: OpenTransaction, nodeId: string): Promise<void>;
  /** Writes down who works on an open transaction now. */
  assignTransaction(transaction: OpenTransaction): Promise<void>;
  /** Writes down how an open transaction will be paid. False: it isn't open any more. */
  writeIntent(id: TransactionId, settlement: Settlement, nowMs: number): Promise<boolean>;
  /** Ends a transaction as its intent says, for both sides. Does nothing to one that has ended. */
  finishSettled(id: TransactionId, nowMs: number): Promise<ClaimTotals | null>;
  /** Ends a transaction for which nothing is paid. Does nothing to one that has ended. */
  finishUnpaid(
    id: TransactionId,
    state: 'FAILED' | 'CANCELLED',
    code: FailureCode | 'insufficient_balance' | 'hold_resolved',
    nowMs: number,
  ): Promise<void>;
  /** Open transactions of this node, or decided before `intentBeforeMs`, or begun before `createdBeforeMs`. */
  findInterrupted(
    nodeId: string | null,
    intentBeforeMs: number,
    createdBeforeMs: number,
  ): Promise<readonly InterruptedTransaction[]>;
  findTransaction(owner: ProviderOwner, id: TransactionId): Promise<Transaction | null>;
  listTransactions(
    owner: ProviderOwner,
    role: 'requester' | 'provider',
    after: TransactionCursor | null,
    limit: number,
  ): Promise<TransactionPage>;
}

/** A provider's claims and the server's counts so far. */
export interface ClaimTotals {
  readonly providerId: ProviderId;
  readonly claimedTokens: bigint;
  readonly countedTokens: bigint;
}
