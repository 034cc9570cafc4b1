/** Transactions of one page. */
export const TRANSACTIONS_PAGE_MAX = 100;

/** The most that a sum of tokens can be, in PostgreSQL's `bigint`. */
export const TOKENS_SUM_MAX = '9223372036854775807';

/** Models, keys or providers of one answer of the analytics: the dearest. */
export const ANALYTICS_PARTS_MAX = 100;
/** Days for which the analytics are kept: two years, to compare the one with the other, and the present month. */
export const ANALYTICS_DAYS_KEPT = 2 * 366 + 31;
/** Days of one answer, by its step: some hundred steps at most. */
export const ANALYTICS_DAYS_MAX = { hour: 31, day: 366, month: ANALYTICS_DAYS_KEPT } as const;
/** Days of an answer that doesn't say. */
export const ANALYTICS_DAYS_DEFAULT = 30;
