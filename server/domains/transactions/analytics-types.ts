import type { CredentialId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';

/** Steps of a period: hours and days of UTC, months of its calendar. */
export const ANALYTICS_STEPS = ['hour', 'day', 'month'] as const;
export type AnalyticsStep = (typeof ANALYTICS_STEPS)[number];

/** Which requests are summed up, and how. Those that ended from `fromMs` on and before `toMs` count. */
export interface AnalyticsQuery {
  readonly role: 'requester' | 'provider';
  readonly fromMs: number;
  readonly toMs: number;
  readonly step: AnalyticsStep;
  /** Only of this model, key or provider; null: of all. */
  readonly model: string | null;
  readonly keyId: CredentialId | null;
  readonly providerId: string | null;
}

/** What requests came to. */
export interface MarketSums {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly billedTokens: number;
  readonly costMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
  readonly earningsMicrocents: Microcents;
  /** What of the cost went back to who asked, and what of the earnings the providers lost by that. */
  readonly refundedMicrocents: Microcents;
  readonly refundedEarningsMicrocents: Microcents;
}

/** Sums of a part: a step, a model, a key, a provider. */
export type SumsOf<Part> = MarketSums & Part;

/** What an account asked for, or a tenant's providers served, over a period. */
export interface Analytics {
  readonly totals: MarketSums;
  /** Of the period of the same length before: what to compare with. */
  readonly before: MarketSums;
  /** The steps in which something ended, oldest first. */
  readonly steps: readonly SumsOf<{ readonly atMs: number }>[];
  /** The dearest first. */
  readonly models: readonly SumsOf<{ readonly model: string }>[];
  /** The dearest first; null: without a key. Of a requester alone. */
  readonly keys: readonly SumsOf<{ readonly keyId: CredentialId | null }>[];
  readonly providers: readonly SumsOf<{ readonly providerId: string }>[];
  /** How many requests ended in each hour of the day of UTC, from 0 to 23. */
  readonly hoursOfDay: readonly number[];
  /** How long completed requests took, from begin to end, in milliseconds, on whole days of the period; null where there were none. */
  readonly durations: { readonly p50Ms: number; readonly p90Ms: number; readonly p99Ms: number } | null;
}
