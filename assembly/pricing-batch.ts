import { PRICES, PRICES_MAX } from './layout';
import { BASIS_POINTS_MAX, feeOf, roundUp } from './pricing';
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_OVERFLOW } from './status';

const ARRAY_BYTES: usize = (PRICES_MAX as usize) * 8;
const PROMPT_TOKENS: usize = PRICES;
const CACHED_PROMPT_TOKENS: usize = PRICES + ARRAY_BYTES;
const COMPLETION_TOKENS: usize = PRICES + 2 * ARRAY_BYTES;
const PROMPT_PRICE: usize = PRICES + 3 * ARRAY_BYTES;
const CACHED_PROMPT_PRICE: usize = PRICES + 4 * ARRAY_BYTES;
const COMPLETION_PRICE: usize = PRICES + 5 * ARRAY_BYTES;
const COST: usize = PRICES + 6 * ARRAY_BYTES;
const FEE: usize = PRICES + 7 * ARRAY_BYTES;
const EARNINGS: usize = PRICES + 8 * ARRAY_BYTES;

// Whether a product doesn't fit what is still free for it.
function overflows(tokens: u64, priceMicrocents: u64, sum: u64): bool {
  return tokens != 0 && priceMicrocents > (u64.MAX_VALUE - sum) / tokens;
}

/**
 * Prices and splits `count` requests in micro-cents, arrays of u64: tokens and prices in; costs, fees and earnings out.
 * `unit` is what each cost is rounded up to. Refuses what `price` and `split` refuse, and more requests than there is room
 * for with `STATUS_OUT_OF_RANGE`; then none of the results may be used.
 */
export function priceBatch(count: u32, basisPoints: u32, unit: u64): i32 {
  if (count > PRICES_MAX || basisPoints > BASIS_POINTS_MAX || unit == 0) return STATUS_OUT_OF_RANGE;
  const end: usize = (count as usize) * 8;
  for (let at: usize = 0; at < end; at += 8) {
    const prompt = load<u64>(at + PROMPT_TOKENS);
    const cachedPrompt = load<u64>(at + CACHED_PROMPT_TOKENS);
    const completion = load<u64>(at + COMPLETION_TOKENS);
    const promptPrice = load<u64>(at + PROMPT_PRICE);
    const cachedPromptPrice = load<u64>(at + CACHED_PROMPT_PRICE);
    const completionPrice = load<u64>(at + COMPLETION_PRICE);
    const all = prompt | cachedPrompt | completion | promptPrice | cachedPromptPrice | completionPrice;
    const promptCost = prompt * promptPrice;
    const cachedPromptCost = cachedPrompt * cachedPromptPrice;
    // Of numbers below 2^31 three products fit together; the divisions are only for the others.
    const mayOverflow = all >> 31 != 0;
    if (mayOverflow && overflows(prompt, promptPrice, 0)) return STATUS_OVERFLOW;
    if (mayOverflow && overflows(cachedPrompt, cachedPromptPrice, promptCost)) return STATUS_OVERFLOW;
    const promptCosts = promptCost + cachedPromptCost;
    if (mayOverflow && overflows(completion, completionPrice, promptCosts)) return STATUS_OVERFLOW;
    const cost = roundUp(promptCosts + completion * completionPrice, unit);
    const fee = feeOf(cost, basisPoints);
    store<u64>(at + COST, cost);
    store<u64>(at + FEE, fee);
    store<u64>(at + EARNINGS, cost - fee);
  }
  return STATUS_OK;
}
