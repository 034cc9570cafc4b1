import { DAY_MS } from '../../kernel/clock.ts';

/** How long after its end a transaction may be rated, in milliseconds. */
export const RATE_WITHIN_MS = 30 * DAY_MS;
/** How long a rating may be changed after it was given, in milliseconds. */
export const CHANGE_WITHIN_MS = 7 * DAY_MS;
/** The most stars that a rating has; the least is one. */
export const STARS_MAX = 5;
