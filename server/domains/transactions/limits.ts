/** Transactions of one page. */
export const TRANSACTIONS_PAGE_MAX = 100;

/** The most that a sum of tokens can be, in PostgreSQL's `bigint`. */
export const TOKENS_SUM_MAX = '9223372036854775807';
