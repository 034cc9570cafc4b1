/**
 * Money inside the server: integers of micro-cents, 10^-6 euro cent, so that the price of a single token is a whole number.
 * Never a float.
 */
export type Microcents = bigint;

/** The unit that statements, invoices and payouts are in. */
export const MICROCENTS_PER_CENT: Microcents = 1_000_000n;
/** Largest balance of one account, in either direction (40 billion euro): two of them still fit into 64 signed bits. */
export const BALANCE_MICROCENTS_MAX: Microcents = 4_000_000_000_000_000_000n;

/** Digits behind the point: of an amount in euros, and of a price in cents. */
const EURO_DECIMALS = 8;
const CENT_DECIMALS = 6;
/** Digits before the point that a decimal from outside may have: 10^12 euros are more than any limit admits. */
const WHOLE_DIGITS_MAX = 12;
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/** An amount as borders show it: euros in exact decimal, without an exponent: `{ value: '0.00006', currency: 'EUR' }`. */
export interface Money {
  readonly value: string;
  readonly currency: 'EUR';
}

/** An amount as borders show it, exact to the micro-cent. */
export function moneyToJson(amount: Microcents): Money {
  return { value: toDecimal(amount, EURO_DECIMALS), currency: 'EUR' };
}

/**
 * Reads euros in decimal: up to eight digits behind the point, an optional minus, no exponent, no leading zeros. Null for
 * anything else; whether the amount is in range is asked later.
 */
export function parseEuros(text: string): Microcents | null {
  return fromDecimal(text, EURO_DECIMALS);
}

/**
 * Reads a price: cents for 1000 tokens in decimal with up to six digits behind the point, `"25"` or `"0.03"`. The result
 * is micro-cents for 1000 tokens. Null for anything else, also for a negative price.
 */
export function parsePrice(text: string): Microcents | null {
  const price = fromDecimal(text, CENT_DECIMALS);
  return price === null || price < 0n || text.startsWith('-') ? null : price;
}

/** A price in micro-cents for 1000 tokens as cents in decimal: the shortest text that `parsePrice` reads back. */
export function priceToText(microcents: Microcents): string {
  return toDecimal(microcents, CENT_DECIMALS);
}

/** Whole cents as micro-cents. */
export function centsToMicrocents(cents: bigint): Microcents {
  return cents * MICROCENTS_PER_CENT;
}

/**
 * The part of `amount` that statements, invoices and payouts show: whole cents, rounded towards zero. The rest is neither
 * charged nor paid out; it stays in the balance until later amounts make a whole cent of it.
 */
export function wholeCents(amount: Microcents): bigint {
  return amount / MICROCENTS_PER_CENT;
}

/** Without trailing zeros behind the point, and without the point where nothing follows. */
function toDecimal(amount: bigint, decimals: number): string {
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, -decimals);
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

function fromDecimal(text: string, decimals: number): bigint | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  if (whole.length > WHOLE_DIGITS_MAX || fraction.length > decimals) return null;
  const amount = BigInt(whole + fraction.padEnd(decimals, '0'));
  return sign === '-' ? -amount : amount;
}
