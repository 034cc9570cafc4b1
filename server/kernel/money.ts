/** Whole euro cents. Never a float; JSON carries it as a number, which is exact up to 2^53. */
export type Cents = bigint;

/** The largest amount that JSON's numbers carry exactly: 2^53 - 1 cents. Larger ones are refused at every border. */
export const AMOUNT_CENTS_MAX: Cents = 9_007_199_254_740_991n;

/** Cents as a JSON number. The ledger never holds more than `AMOUNT_CENTS_MAX` in one amount. */
export function centsToJson(cents: Cents): number {
  return Number(cents);
}
