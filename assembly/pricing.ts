import { IS_CORE } from './layout';
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_OVERFLOW } from './status';

export const BASIS_POINTS_MAX: u32 = 10_000;

// On the server a division of 32 bits is several times cheaper, and all but the largest sums of money fit.
function divide(x: u64, divisor: u32): u64 {
  return IS_CORE && x >> 32 == 0 ? (x as u32) / divisor : x / divisor;
}

/** Whether `tokens * price + 999` doesn't fit 64 bits. */
export function overflows(tokens: u64, priceCents: u64): bool {
  // Two numbers below 2^32 can't; the division is only for the others.
  return (tokens | priceCents) >> 32 != 0 && tokens != 0 && priceCents > (u64.MAX_VALUE - 999) / tokens;
}

/**
 * What tokens cost in whole cents, rounded up: `(tokens * price + 999) / 1000`, the price in cents for 1,000 tokens. Only
 * for what doesn't overflow.
 */
export function costOf(tokens: u64, priceCents: u64): u64 {
  return divide(tokens * priceCents + 999, 1000);
}

/**
 * The commission: `cost * basisPoints / 10000`, rounded half up. For at most 10,000 basis points it is never more than the
 * cost, and nothing overflows: the cost is divided before it is multiplied, and the remainder is rounded alone.
 */
export function feeOf(cost: u64, basisPoints: u32): u64 {
  const whole = divide(cost, 10_000);
  const rest = (cost - whole * 10_000) as u32;
  return whole * basisPoints + (rest * basisPoints + 5000) / 10_000;
}

/** Writes a cost at `costAddress`. Refuses with `STATUS_OVERFLOW` what doesn't fit. */
export function price(tokens: u64, priceCents: u64, costAddress: usize): i32 {
  if (overflows(tokens, priceCents)) return STATUS_OVERFLOW;
  store<u64>(costAddress, costOf(tokens, priceCents));
  return STATUS_OK;
}

/**
 * Writes the commission at `sharesAddress` and behind it what the provider earns, `cost - fee`. Refuses more than 10,000
 * basis points with `STATUS_OUT_OF_RANGE`.
 */
export function split(cost: u64, basisPoints: u32, sharesAddress: usize): i32 {
  if (basisPoints > BASIS_POINTS_MAX) return STATUS_OUT_OF_RANGE;
  const fee = feeOf(cost, basisPoints);
  store<u64>(sharesAddress, fee);
  store<u64>(sharesAddress, cost - fee, 8);
  return STATUS_OK;
}
