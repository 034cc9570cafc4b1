import type { TransactionId } from '../../kernel/ids.ts';
import type {
  FailureCode,
  InterruptedTransaction,
  Offer,
  OpenTransaction,
  ProviderDevice,
  ProviderId,
  Requester,
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
  /** Most candidates scored at once. */
  readonly candidatesMax: number;
  /** A column for each value of a candidate, and one for the scores. Whoever scores next overwrites them. */
  readonly candidates: { readonly [Column in keyof ScoredCandidate | 'scores']: Float32Array };
  /** Writes one score each for the first `count` candidates: higher is better, already damped by utilization. */
  scoreBatch(count: number): { readonly ok: true } | { readonly ok: false; readonly reason: string };
}

/** A settled request's answer under an idempotency key. */
export interface KeptAnswer {
  readonly transaction: Transaction;
  /** As it was given to `writeIntent`. */
  readonly answer: Uint8Array;
}

/** A request that came under an idempotency key. */
export interface KeyClaim {
  readonly requester: Requester;
  readonly key: string;
  /** SHA-256 of what was asked. */
  readonly fingerprint: Uint8Array;
  readonly transactionId: TransactionId;
  readonly nodeId: string;
  readonly nowMs: number;
}

/** Where idempotency keys are kept. */
export interface KeyStore {
  /**
   * `claimed`: the key is this request's now. `full`: as much as `limits` is kept for the user. Else what became of the
   * request that has the key.
   */
  claimKey(
    claim: KeyClaim,
    limits: { readonly keysMax: number; readonly bytesMax: number },
  ): Promise<
    | { kind: 'claimed' }
    | { kind: 'full' }
    | { kind: 'in_flight' }
    | { kind: 'reused' }
    | { kind: 'kept'; kept: KeptAnswer }
  >;
  /** Forgets the key of a request without answer. */
  releaseKey(id: TransactionId): Promise<void>;
  /** Forgets keys from before `beforeMs`, and those without answer from before `unansweredBeforeMs` or of `nodeId`. */
  forgetKeys(limits: { nodeId: string | null; unansweredBeforeMs: number; beforeMs: number }): Promise<void>;
}

/** Where offers and transactions are kept. */
export interface MarketplaceStore extends KeyStore {
  /** Keeps an offer in place of the device's earlier one; returns the device's provider id, `newId` for a new one. */
  saveOffer(device: ProviderDevice, offer: Offer, newId: ProviderId, nowMs: number): Promise<ProviderId>;
  insertTransaction(transaction: OpenTransaction, nodeId: string): Promise<void>;
  /** Writes down who works on an open transaction now. */
  assignTransaction(transaction: OpenTransaction): Promise<void>;
  /**
   * Writes down how an open transaction will be paid, and with it the `answer` to keep under the request's key. Safe to
   * repeat: what was written first stays. False: it has ended unpaid.
   */
  writeIntent(
    id: TransactionId,
    settlement: Settlement,
    answer: Uint8Array | null,
    nowMs: number,
  ): Promise<boolean>;
  /** Ends a transaction as its intent says, for both sides. Does nothing to one that has ended. */
  finishSettled(id: TransactionId, nowMs: number): Promise<ClaimTotals | null>;
  /** Ends a transaction for which nothing is paid, and frees its key with what was kept. Does nothing to one that has ended. */
  finishUnpaid(
    id: TransactionId,
    state: 'FAILED' | 'CANCELLED',
    code: FailureCode | 'hold_resolved',
    nowMs: number,
  ): Promise<void>;
  /**
   * Open transactions of this node, or decided before `intentBeforeMs`, or begun before `createdBeforeMs`: the oldest
   * behind `after`.
   */
  findInterrupted(
    which: { nodeId: string | null; intentBeforeMs: number; createdBeforeMs: number },
    after: TransactionCursor | null,
    limit: number,
  ): Promise<readonly InterruptedTransaction[]>;
  findTransaction(owner: Requester, id: TransactionId): Promise<Transaction | null>;
  listTransactions(
    owner: Requester,
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
