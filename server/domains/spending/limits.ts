import type { Microcents } from '../../kernel/money.ts';

/** Days that what was spent is known for: the longest month and the one before. */
export const DAYS_KEPT = 62;

/** A day is unusual when more is spent in it than so many times the mean of the week before ... */
export const UNUSUAL_TIMES = 8;

/** ... which counts as no less than this: five euros. Who is new isn't unusual. */
export const USUAL_MICROCENTS_MIN: Microcents = 500_000_000n;

/** Unusual days that are looked at together. */
export const UNUSUAL_MAX = 1_000;
