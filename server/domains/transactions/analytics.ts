import type { Actor } from '../../kernel/actor.ts';
import { type Clock, DAY_MS, HOUR_MS } from '../../kernel/clock.ts';
import { invalidInput } from '../../kernel/errors.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Analytics, AnalyticsQuery } from './analytics-types.ts';
import { ANALYTICS_DAYS_DEFAULT, ANALYTICS_DAYS_KEPT, ANALYTICS_DAYS_MAX } from './limits.ts';
import type { AnalyticsStore } from './ports.ts';

/** A question of the analytics, as it is asked: without times it is about the last thirty days. */
export type AskedAnalytics = Omit<AnalyticsQuery, 'fromMs' | 'toMs'> & {
  readonly fromMs: number | null;
  readonly toMs: number | null;
};

/** A period's sums, and what they are of: whole hours. */
export type AnalyticsAnswer = Analytics & Pick<AnalyticsQuery, 'fromMs' | 'toMs' | 'step'>;

/** What requesters and providers did, in figures. (In the story: Urd, who knows what was.) */
export interface AnalyticsService {
  /**
   * Sums of what the actor asked for, or of what its tenant's providers served. Refuses with `invalid_input` a period that ends before it
   * begins, or that is too long for its step.
   */
  analyse(actor: Actor, asked: AskedAnalytics): Promise<AnalyticsAnswer>;
  /** Forgets what is older than is kept. */
  removeOld(): Promise<void>;
}

/** Makes the analytics' service. */
export function createAnalyticsService(dependencies: {
  readonly store: AnalyticsStore;
  readonly clock: Clock;
}): AnalyticsService {
  const { store, clock } = dependencies;
  return {
    async analyse(actor, asked) {
      const account = requirePermission(actor, 'money.read');
      const query = { ...asked, ...periodOf(asked, clock.nowMs()) };
      const { fromMs, toMs, step } = query;
      return { ...(await store.analyse(account, query)), fromMs, toMs, step };
    },
    removeOld: () => store.removeBefore(clock.nowMs() - ANALYTICS_DAYS_KEPT * DAY_MS),
  };
}

/** The hours that hold the period. */
function periodOf({ fromMs, toMs, step }: AskedAnalytics, nowMs: number): { fromMs: number; toMs: number } {
  const endMs = Math.ceil((toMs ?? nowMs) / HOUR_MS) * HOUR_MS;
  const beginMs = Math.floor((fromMs ?? endMs - ANALYTICS_DAYS_DEFAULT * DAY_MS) / HOUR_MS) * HOUR_MS;
  const daysMax = ANALYTICS_DAYS_MAX[step];
  const problem =
    beginMs >= endMs
      ? 'Not before to'
      : endMs - beginMs > daysMax * DAY_MS
        ? `More than ${daysMax} days before to: the most for steps of a ${step}`
        : null;
  if (problem !== null) {
    throw invalidInput('The period is none that can be summed up.', {
      problems: [{ path: 'query.from', message: problem }],
    });
  }
  return { fromMs: beginMs, toMs: endMs };
}
