import type { AccountId, DisputeId, TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { Decision as DecisionOf, DecisionDraft as DraftOf } from '../decisions/index.ts';
import type { Requester } from '../transactions/index.ts';

/** What is said to be wrong. */
export const DISPUTE_REASONS = [
  'not_delivered',
  'wrong_answer',
  'wrong_model',
  'overcharged',
  'other',
] as const;
export type DisputeReason = (typeof DISPUTE_REASONS)[number];

/** How a dispute stands. Only the first is not its end. */
export const DISPUTE_STATES = ['open', 'refused', 'refunded_partly', 'refunded'] as const;
export type DisputeState = (typeof DISPUTE_STATES)[number];

export type DisputeSide = 'requester' | 'provider';

export type Decision = DecisionOf<DisputeState>;
export type DecisionDraft = DraftOf<DisputeState>;

/** What one provider was paid for the transaction. */
export interface DisputedShare {
  readonly providerId: string;
  readonly tenantId: TenantId;
  readonly costMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
  readonly earningsMicrocents: Microcents;
  /** When its owner agreed to give everything back; null: it has not. */
  readonly agreedAtMs: number | null;
}

/** A dispute as it is kept. */
export interface StoredDispute {
  readonly id: DisputeId;
  readonly transactionId: TransactionId;
  readonly requester: Requester;
  readonly state: DisputeState;
  readonly reason: DisputeReason;
  readonly model: string;
  readonly postId: TransferId;
  readonly costMicrocents: Microcents;
  readonly refundedMicrocents: Microcents;
  /** What went back is of the earnings alone: the platform keeps its commission. */
  readonly keepsFee: boolean;
  readonly createdAtMs: number;
  readonly isAnswered: boolean;
  /** When a rule decides, if nobody has. */
  readonly decidedByRuleAtMs: number;
  readonly decidedAtMs: number | null;
  readonly shares: readonly DisputedShare[];
}

/** What somebody said, sealed. */
export interface SealedStatement {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly side: DisputeSide;
  readonly saidAtMs: number;
  readonly words: Uint8Array;
}

/** What one of the sides said. */
export interface Statement {
  readonly side: DisputeSide;
  readonly text: string;
  readonly saidAtMs: number;
}

/** A dispute as one of its sides, or an operator, sees it. */
export interface Dispute
  extends Pick<
    StoredDispute,
    | 'id'
    | 'transactionId'
    | 'state'
    | 'reason'
    | 'model'
    | 'createdAtMs'
    | 'decidedByRuleAtMs'
    | 'decidedAtMs'
  > {
  readonly side: DisputeSide | 'operator';
  /** Of a provider's side: of what its own were paid, and have lost with the fee. */
  readonly costMicrocents: Microcents;
  readonly refundedMicrocents: Microcents;
  readonly providers: readonly {
    readonly providerId: string;
    readonly costMicrocents: Microcents;
    readonly hasAgreed: boolean;
  }[];
  /** The oldest first. */
  readonly statements: readonly Statement[];
  /** The newest first. */
  readonly decisions: readonly Decision[];
}

/** An operator's decision. */
export type Ruling =
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'refunded' }
  | { readonly outcome: 'refunded_partly'; readonly amountMicrocents: Microcents };

/** What ends a dispute. */
export interface DisputeEnd {
  /** See `StoredDispute`. */
  readonly keepsFee: boolean;
  readonly refundedMicrocents: Microcents;
  readonly rule: string;
  readonly reason: string;
  readonly decidedBy: AccountId | null;
}
