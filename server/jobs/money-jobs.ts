import type { LedgerService } from '../domains/ledger/index.ts';
import type { MarketplaceService } from '../domains/marketplace/index.ts';
import type { QualityService } from '../domains/quality/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { JobLease } from '../kernel/lease.ts';
import type { Logger } from '../kernel/logger.ts';
import { type RepeatedJob, repeatAll } from './repeat.ts';

/** How often interrupted transactions are looked for, and how long a hold may stay open past its expiry, in milliseconds. */
const RECOVER_INTERVAL_MS = 2_000;
/** How long an assessment may be in memory only, in milliseconds. */
const FLUSH_QUALITY_INTERVAL_MS = 1_000;

/** What the jobs about money need. */
export interface MoneyJobDependencies {
  readonly ledger: Pick<LedgerService, 'expireHolds'>;
  readonly marketplace: Pick<MarketplaceService, 'recover'>;
  readonly quality: Pick<QualityService, 'flush'>;
  readonly lease: JobLease;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Finishes what the last life of this node left open, then keeps doing so. What was decided is settled before holds
 * expire, in every round: an expired hold can't be paid from. Where recovery fails as a whole, no hold expires either. Call
 * it before requests are taken.
 */
export async function startMoneyJobs(dependencies: MoneyJobDependencies): Promise<RepeatedJob> {
  const { ledger, marketplace, quality, lease } = dependencies;
  const recover = async (atStart: boolean) => {
    await marketplace.recover(atStart);
    await ledger.expireHolds();
  };
  await recover(true);
  return repeatAll(
    [
      {
        operation: 'marketplace.recover',
        intervalMs: RECOVER_INTERVAL_MS,
        lease,
        work: () => recover(false),
      },
      {
        operation: 'quality.flush',
        intervalMs: FLUSH_QUALITY_INTERVAL_MS,
        work: () => quality.flush(),
      },
    ],
    dependencies,
  );
}
