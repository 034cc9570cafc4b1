import { IS_CORE } from './layout';
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_OVERFLOW } from './status';

export const BASIS_POINTS_MAX: u32 = 10_000;

const U64_BYTES: usize = 8;

// Where `price` finds its arguments and leaves the cost, in bytes from the first value.
const PRICES: usize = 3 * U64_BYTES;
const UNIT: usize = 6 * U64_BYTES;
const COST: usize = 7 * U64_BYTES;

/**
 * What a sum of products `tokens * price` costs, in micro-cents: `sum / 1000`, rounded up to a multiple of `unit`, which
 * is at least 1. It rounds once: one less than the sum is divided and rounded down, then one unit is added. Nothing
 * overflows: the cost is one unit, or, where the unit is at most `sum / 1000`, at most twice that.
 */
export function roundUp(sum: u64, unit: u64): u64 {
  if (sum == 0) return 0;
  const whole = (sum - 1) / 1000;
  // The server saves the division where it changes nothing.
  if (IS_CORE && unit == 1) return whole + 1;
  return (whole / unit + 1) * unit;
}

/**
 * The commission: `cost * basisPoints / 10000`, rounded half up. For at most 10,000 basis points it is never more than the
 * cost, and nothing overflows: the cost is divided before it is multiplied, and the remainder is rounded alone.
 */
export function feeOf(cost: u64, basisPoints: u32): u64 {
  const whole = cost / 10_000;
  const rest = (cost - whole * 10_000) as u32;
  return whole * basisPoints + (rest * basisPoints + 5000) / 10_000;
}

/**
 * Prices a request in micro-cents, all numbers u64 from `values` on: three counts of tokens (prompt, cached prompt,
 * completion), their three prices for 1,000 tokens, and the unit. Behind them it writes the cost: the sum of
 * `tokens * price`, divided by 1,000 and rounded up to a multiple of the unit, once. Refuses a unit of 0 with
 * `STATUS_OUT_OF_RANGE`, and a product or a sum that doesn't fit 64 bits with `STATUS_OVERFLOW`.
 */
export function price(values: usize): i32 {
  const unit = load<u64>(values, UNIT);
  if (unit == 0) return STATUS_OUT_OF_RANGE;
  let sum: u64 = 0;
  for (let at = values; at < values + PRICES; at += U64_BYTES) {
    const tokens = load<u64>(at);
    const priceMicrocents = load<u64>(at, PRICES);
    // What is still free for this product: refuses the product that is too large and the sum that is too large.
    if (tokens != 0 && priceMicrocents > (u64.MAX_VALUE - sum) / tokens) return STATUS_OVERFLOW;
    sum += tokens * priceMicrocents;
  }
  store<u64>(values, roundUp(sum, unit), COST);
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
