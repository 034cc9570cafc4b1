import type { AccountId, TenantId } from '../../kernel/ids.ts';

/** What was decided, by which rule, and why. */
export interface Decision<Outcome extends string = string> {
  readonly outcome: Outcome;
  /** `operator` where a person decided. */
  readonly rule: string;
  readonly reason: string;
  /** The operator's account; null: the rule alone. */
  readonly decidedBy: AccountId | null;
  readonly decidedAtMs: number;
}

/** A decision that is about to be written. */
export type DecisionDraft<Outcome extends string = string> = Omit<Decision<Outcome>, 'decidedAtMs'>;

/** What a decision is about. */
export type Subject =
  | { readonly kind: 'registration'; readonly id: string }
  | { readonly kind: 'dispute'; readonly id: string };

/** A decision that is written. */
export interface AddedDecision {
  readonly subject: Subject;
  /** Whose registration it is, or who opened the dispute. */
  readonly tenantId: TenantId;
  readonly decision: DecisionDraft;
  readonly atMs: number;
}
