import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { QualityService } from '../quality/index.ts';
import type { RatingStore } from './ports.ts';
import type { ProviderRatings, Rating } from './types.ts';

/** What the ratings' service needs. */
export interface RatingDependencies {
  readonly store: RatingStore;
  readonly quality: Pick<QualityService, 'rated'>;
  /** Refuses with `provider_not_found` a provider that isn't the actor's tenant's. */
  readonly registrations: { get(actor: Actor, id: string): Promise<{ readonly providerId: string }> };
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** What requesters think of what they paid for. */
export interface RatingService {
  /**
   * Rates a transaction of the actor's own with 1 to 5 stars, or changes that. Refuses with `transaction_not_found`, `transaction_unpaid`
   * (nobody else was paid, or everything was given back) and `rating_closed`.
   */
  rate(actor: Actor, transactionId: TransactionId, stars: number): Promise<Rating>;
  /** Refuses with `rating_not_found`. */
  get(actor: Actor, transactionId: TransactionId): Promise<Rating>;
  /** What is thought of a provider of the actor's tenant, by nobody's name. Refuses with `provider_not_found`. */
  summarize(actor: Actor, id: string): Promise<ProviderRatings>;
}

/** Makes the ratings' service. */
export function createRatingService({
  store,
  quality,
  registrations,
  clock,
}: RatingDependencies): RatingService {
  return {
    async rate(actor, transactionId, stars) {
      const rater = requirePermission(actor, 'market.request');
      const { rating, providers } = await store.rate(rater, transactionId, stars, clock.nowMs());
      for (const about of providers) quality.rated(about.providerId, about.rating);
      return rating;
    },
    async get(actor, transactionId) {
      const rating = await store.find(requirePermission(actor, 'money.read'), transactionId);
      if (rating === null) throw notFound('rating');
      return rating;
    },
    async summarize(actor, id) {
      const { tenantId } = requirePermission(actor, 'market.sell');
      const { providerId } = await registrations.get(actor, id);
      return store.summarize(tenantId, providerId);
    },
  };
}
