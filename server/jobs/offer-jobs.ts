import type { ProviderService } from '../domains/providers/index.ts';
import type { RegistrationService } from '../domains/registrations/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { type RepeatedJob, repeatAll } from './repeat.ts';

/** How late a provider may come on the market, or leave it, by its hours, in milliseconds. */
const REVIEW_OFFERS_INTERVAL_MS = 5_000;
/** How long a new provider may wait for its first test, in milliseconds. */
const TEST_NEW_INTERVAL_MS = 2_000;

/** What the jobs about offers need. What they look at is connected to this node. */
export interface OfferJobDependencies {
  readonly providers: Pick<ProviderService, 'reviewOffers'>;
  readonly registrations: Pick<RegistrationService, 'testNew'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Brings providers on the market and takes them from it as their hours say, and tests the new ones. */
export function startOfferJobs(dependencies: OfferJobDependencies): RepeatedJob {
  const { providers, registrations } = dependencies;
  return repeatAll(
    [
      {
        operation: 'marketplace.offers.review',
        intervalMs: REVIEW_OFFERS_INTERVAL_MS,
        work: () => providers.reviewOffers(),
      },
      {
        operation: 'marketplace.providers.testNew',
        intervalMs: TEST_NEW_INTERVAL_MS,
        work: () => registrations.testNew(),
      },
    ],
    dependencies,
  );
}
