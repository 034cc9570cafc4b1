import type { AccountActor } from '../../kernel/actor.ts';
import type { TenantId, TransactionId } from '../../kernel/ids.ts';
import type { ProviderRating } from '../quality/index.ts';
import type { ProviderRatings, Rating } from './types.ts';

/** Where ratings are kept. */
export interface RatingStore {
  /**
   * Writes the rating, and returns it with what is thought now of each provider that it is about. Refuses with `transaction_not_found`,
   * `transaction_unpaid` and `rating_closed`.
   */
  rate(
    rater: AccountActor,
    transactionId: TransactionId,
    stars: number,
    nowMs: number,
  ): Promise<{
    readonly rating: Rating;
    readonly providers: readonly {
      readonly providerId: string;
      readonly tenantId: TenantId;
      readonly rating: ProviderRating;
    }[];
  }>;
  /** The account's own rating of a transaction; null: none. */
  find(rater: AccountActor, transactionId: TransactionId): Promise<Rating | null>;
  /** What is thought of a provider of this tenant. */
  summarize(tenantId: TenantId, providerId: string): Promise<ProviderRatings>;
}
