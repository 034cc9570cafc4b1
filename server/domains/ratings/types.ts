import type { TransactionId } from '../../kernel/ids.ts';

/** What an account thinks of a transaction that it paid. */
export interface Rating {
  readonly transactionId: TransactionId;
  /** 1 to 5. */
  readonly stars: number;
  readonly ratedAtMs: number;
  /** Until when it may be changed. */
  readonly changeableUntilMs: number;
}

/** What is thought of a provider: to its owner, who isn't told by whom. */
export interface ProviderRatings {
  readonly ratings: number;
  /** How many accounts gave them: each is one voice, its mean. */
  readonly accounts: number;
  /** The mean of the voices in stars; null: there are none. */
  readonly meanStars: number | null;
  /** How often one star was given, two, and so on to five. */
  readonly byStars: readonly number[];
}
