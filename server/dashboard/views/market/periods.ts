import type { Analytics } from '../../api/types.ts';

const DAY_SECONDS = 86_400;

/** Times that money is looked at over, and the steps they are cut into (of UTC, as the market counts). */
export const PERIODS = {
  week: { days: 7, step: 'day', stepSeconds: DAY_SECONDS },
  month: { days: 30, step: 'day', stepSeconds: DAY_SECONDS },
  year: { days: 365, step: 'month', stepSeconds: 30 * DAY_SECONDS },
} as const;
export type Period = keyof typeof PERIODS;

/** When each step of a period begins, the oldest first, in seconds since 1970. The last one is the present day or month. */
export function stepsOf(period: Period, nowMs: number): number[] {
  const { days, step } = PERIODS[period];
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const count = step === 'day' ? days : 12;
  return Array.from({ length: count }, (_, index) => {
    const back = count - 1 - index;
    return (step === 'day' ? Date.UTC(year, month, day - back) : Date.UTC(year, month - back, 1)) / 1000;
  });
}

/** What the analytics are asked with: `from` and `step` of a period that ends now. */
export function periodQuery(period: Period, nowMs: number): URLSearchParams {
  const [first = nowMs / 1000] = stepsOf(period, nowMs);
  return new URLSearchParams({
    from: new Date(first * 1000).toISOString(),
    step: PERIODS[period].step,
  });
}

/** Euros of each step, also of those in which nothing ended: the times, and the amounts. */
export function amountsOver(
  { steps }: Pick<Analytics, 'steps'>,
  period: Period,
  of: 'cost' | 'earnings',
  nowMs: number,
): [number[], number[]] {
  const times = stepsOf(period, nowMs);
  const amounts = new Map(steps.map((step) => [Date.parse(step.at) / 1000, Number(step[of].value)]));
  return [times, times.map((at) => amounts.get(at) ?? 0)];
}
