import type { AnswerService } from '../domains/answers/index.ts';
import type { DisputeService } from '../domains/disputes/index.ts';
import type { AllowanceService, LedgerService, VerificationRound } from '../domains/ledger/index.ts';
import type { QualityService } from '../domains/quality/index.ts';
import type { RequestService } from '../domains/requests/index.ts';
import type { SpendingService } from '../domains/spending/index.ts';
import type { AnalyticsService } from '../domains/transactions/index.ts';
import { type Clock, HOUR_MS } from '../kernel/clock.ts';
import type { LedgerAccountId } from '../kernel/ids.ts';
import type { JobLease } from '../kernel/lease.ts';
import type { Logger } from '../kernel/logger.ts';
import { type RepeatedJob, repeatAll } from './repeat.ts';

/** How often abandoned transactions are looked for, and how long a hold may stay open past its expiry, in milliseconds. */
const ABANDONED_INTERVAL_MS = 2_000;
/** How long an assessment may be in memory only, in milliseconds. */
const FLUSH_QUALITY_INTERVAL_MS = 1_000;
/** How long earnings may wait past their release time, and an allowance be used past its end, in milliseconds. */
const RELEASE_EARNINGS_INTERVAL_MS = 10_000;
/** How often disputes are looked for whose time is over, in milliseconds. */
const END_DISPUTES_INTERVAL_MS = 30_000;
/** How often unusual spending is looked for, in milliseconds. */
const WATCH_SPENDING_INTERVAL_MS = 60_000;
/** How long figures may be kept past their time, in milliseconds. */
const FORGET_ANALYTICS_INTERVAL_MS = HOUR_MS;
/** How long an answer may be kept past its time, in milliseconds. */
const FORGET_ANSWERS_INTERVAL_MS = 60_000;
/** Between two rounds of verification, in milliseconds. A round reads one page of accounts, and in them only new entries. */
const VERIFY_INTERVAL_MS = 10_000;

/** What verification tells the operator. */
export interface VerificationMetrics {
  /** A round came to its end: entries that it summed, and accounts that are wrong as far as is known. */
  roundEnded(entries: number, wrongAccounts: number): void;
  /** Whether all balances sum to zero and the working lists are what the accounts say. */
  totalsCompared(match: boolean): void;
}

/** What the jobs about money need. */
export interface MoneyJobDependencies {
  readonly ledger: Pick<LedgerService, 'expireHolds' | 'releaseEarnings' | 'verify'>;
  readonly allowances: Pick<AllowanceService, 'endDue'>;
  readonly disputes: Pick<DisputeService, 'decideDue'>;
  readonly requests: Pick<RequestService, 'endAbandoned'>;
  readonly quality: Pick<QualityService, 'flush'>;
  readonly spending: Pick<SpendingService, 'findUnusual' | 'removeOld'>;
  readonly analytics: Pick<AnalyticsService, 'removeOld'>;
  readonly answers: Pick<AnswerService, 'removeExpired'>;
  /** Hears of tenants that spend far more than they used to. */
  readonly unusual: (tenantId: string, day: string) => void;
  readonly metrics: VerificationMetrics;
  readonly lease: JobLease;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Ends what the last life of this node left open, then keeps doing so: transactions that nobody works on end as FAILED together
 * with their holds, other holds expire after them. Call it before requests are taken.
 */
export async function startMoneyJobs(dependencies: MoneyJobDependencies): Promise<RepeatedJob> {
  const { answers, disputes, ledger, requests, quality, spending, analytics, unusual, lease } = dependencies;
  const watchSpending = async () => {
    for (const { tenantId, day } of await spending.findUnusual()) unusual(tenantId, day);
    await spending.removeOld();
  };
  const endAbandoned = async (atStart: boolean) => {
    await requests.endAbandoned(atStart);
    await ledger.expireHolds();
  };
  await endAbandoned(true);
  return repeatAll(
    [
      {
        operation: 'marketplace.requests.endAbandoned',
        intervalMs: ABANDONED_INTERVAL_MS,
        lease,
        work: () => endAbandoned(false),
      },
      {
        operation: 'quality.flush',
        intervalMs: FLUSH_QUALITY_INTERVAL_MS,
        work: () => quality.flush(),
      },
      {
        operation: 'ledger.releaseEarnings',
        intervalMs: RELEASE_EARNINGS_INTERVAL_MS,
        lease,
        work: () => ledger.releaseEarnings(),
      },
      {
        operation: 'ledger.allowances.endDue',
        intervalMs: RELEASE_EARNINGS_INTERVAL_MS,
        lease,
        work: () => dependencies.allowances.endDue(),
      },
      {
        operation: 'marketplace.disputes.decideDue',
        intervalMs: END_DISPUTES_INTERVAL_MS,
        lease,
        work: () => disputes.decideDue(),
      },
      {
        operation: 'spending.watch',
        intervalMs: WATCH_SPENDING_INTERVAL_MS,
        lease,
        work: watchSpending,
      },
      {
        operation: 'marketplace.analytics.removeOld',
        intervalMs: FORGET_ANALYTICS_INTERVAL_MS,
        lease,
        work: () => analytics.removeOld(),
      },
      {
        operation: 'answers.removeExpired',
        intervalMs: FORGET_ANSWERS_INTERVAL_MS,
        lease,
        work: () => answers.removeExpired(),
      },
      {
        operation: 'ledger.verify',
        intervalMs: VERIFY_INTERVAL_MS,
        lease,
        work: createVerification(dependencies),
      },
    ],
    dependencies,
  );
}

/**
 * One round of verification: the next page of accounts, from the first one again when all were compared. A wrong book is
 * an error in the log in every round that finds it, and stays in the metric until a round finds the account right.
 */
export function createVerification(
  dependencies: Pick<MoneyJobDependencies, 'ledger' | 'metrics' | 'logger'>,
): () => Promise<VerificationRound> {
  const { ledger, metrics, logger } = dependencies;
  let after: LedgerAccountId | null = null;
  /** Wrong accounts of this pass so far, and of all of the pass before. */
  let wrongInPass = 0;
  let wrongBefore = 0;
  return async () => {
    const round = await ledger.verify(after);
    wrongInPass += round.wrongAccounts.length;
    metrics.roundEnded(round.entries, Math.max(wrongInPass, wrongBefore));
    metrics.totalsCompared(round.totalsMatch);
    for (const ledgerAccountId of round.wrongAccounts) {
      logger.error(
        { operation: 'ledger.verify', ledgerAccountId },
        'the books are wrong: a balance is not the sum of its entries',
      );
    }
    if (!round.totalsMatch) {
      logger.error(
        { operation: 'ledger.verify' },
        'the books are wrong: the balances do not sum to zero, or holds or waiting earnings do not match them',
      );
    }
    after = round.nextAfter;
    if (after === null) {
      wrongBefore = wrongInPass;
      wrongInPass = 0;
    }
    return round;
  };
}
