import { PRICES, PRICES_MAX } from './layout';
import { BASIS_POINTS_MAX, costOf, feeOf, overflows } from './pricing';
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_OVERFLOW } from './status';

const ARRAY_BYTES: usize = (PRICES_MAX as usize) * 8;
const TOKENS: usize = PRICES;
const PRICE: usize = PRICES + ARRAY_BYTES;
const COST: usize = PRICES + 2 * ARRAY_BYTES;
const FEE: usize = PRICES + 3 * ARRAY_BYTES;
const EARNINGS: usize = PRICES + 4 * ARRAY_BYTES;

/**
 * Prices and splits `count` requests, arrays of u64: tokens and prices in; costs, fees and earnings out. Refuses what
 * `price` and `split` refuse, and more requests than there is room for with `STATUS_OUT_OF_RANGE`; then none of the
 * results may be used.
 */
export function priceBatch(count: u32, basisPoints: u32): i32 {
  if (count > PRICES_MAX || basisPoints > BASIS_POINTS_MAX) return STATUS_OUT_OF_RANGE;
  const end: usize = (count as usize) * 8;
  for (let at: usize = 0; at < end; at += 8) {
    const tokens = load<u64>(at + TOKENS);
    const priceCents = load<u64>(at + PRICE);
    if (overflows(tokens, priceCents)) return STATUS_OVERFLOW;
    const cost = costOf(tokens, priceCents);
    const fee = feeOf(cost, basisPoints);
    store<u64>(at + COST, cost);
    store<u64>(at + FEE, fee);
    store<u64>(at + EARNINGS, cost - fee);
  }
  return STATUS_OK;
}
