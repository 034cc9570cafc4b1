/** Transactions of one page. */
export const TRANSACTIONS_PAGE_MAX = 100;
