import { DAY_MS } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { BALANCE_MICROCENTS_MAX, type Microcents } from '../../kernel/money.ts';
import type { QuotaRefusal, SpendLimits } from './types.ts';

/** When to come again where only what is set aside leaves too little, in seconds. */
const HELD_RETRY_SECONDS = 5;

/** The day of UTC: `2026-01-31`. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** The first day of the month of UTC. */
export function monthOf(atMs: number): string {
  return `${dayOf(atMs).slice(0, 7)}-01`;
}

/** The smaller of two limits, where there is one. */
export function strictest(one: SpendLimits, other: SpendLimits): SpendLimits {
  return {
    dayMicrocentsMax: smaller(one.dayMicrocentsMax, other.dayMicrocentsMax),
    monthMicrocentsMax: smaller(one.monthMicrocentsMax, other.monthMicrocentsMax),
  };
}

function smaller(one: Microcents | null, other: Microcents | null): Microcents | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

/** Refuses with `amount_out_of_range` what is below nothing or more than a balance can be. */
export function requireLimits({ dayMicrocentsMax, monthMicrocentsMax }: SpendLimits): void {
  for (const amount of [dayMicrocentsMax, monthMicrocentsMax]) {
    if (amount === null || (amount >= 0n && amount <= BALANCE_MICROCENTS_MAX)) continue;
    throw new AppError(
      'invalid',
      'amount_out_of_range',
      'A limit is not negative, and no more than a balance can be.',
    );
  }
}

/** Whether so much more may be set aside, besides what was spent and what is set aside for others; null: it may. */
export function judgeSpending(
  { dayMicrocentsMax, monthMicrocentsMax }: SpendLimits,
  spent: { readonly day: Microcents; readonly month: Microcents },
  held: Microcents,
  more: Microcents,
): QuotaRefusal | null {
  const exceeds = (max: Microcents | null, amount: Microcents) => max !== null && amount > max;
  if (exceeds(monthMicrocentsMax, spent.month + more)) return 'spend_quota_month';
  if (exceeds(dayMicrocentsMax, spent.day + more)) return 'spend_quota_day';
  const all = held + more;
  return exceeds(monthMicrocentsMax, spent.month + all) || exceeds(dayMicrocentsMax, spent.day + all)
    ? 'spend_quota_held'
    : null;
}

/** What is told who may not spend more, and when it may again: when the day or the month of UTC is over. */
export function quotaExceeded(reason: QuotaRefusal, nowMs: number): AppError {
  const period = reason === 'spend_quota_month' ? 'month' : 'day';
  const retryAfterSeconds =
    reason === 'spend_quota_held'
      ? HELD_RETRY_SECONDS
      : Math.max(1, Math.ceil((endOf(period, nowMs) - nowMs) / 1000));
  return new AppError(
    'rate_limited',
    'spend_quota_exceeded',
    reason === 'spend_quota_held'
      ? 'With what running requests could cost, this one could cost more than the tenant or the API key may spend.'
      : `The request could cost more than the tenant or the API key may still spend this ${period}.`,
    { details: { period, retryAfterSeconds } },
  );
}

function endOf(period: 'day' | 'month', nowMs: number): number {
  if (period === 'day') return Math.floor(nowMs / DAY_MS + 1) * DAY_MS;
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
}
