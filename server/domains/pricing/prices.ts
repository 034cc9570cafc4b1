import { MICROCENTS_PER_CENT, type Microcents, parsePrice } from '../../kernel/money.ts';

/** Micro-cents for 1000 tokens of each kind. Reasoning is completion. */
export interface TokenPrices {
  readonly prompt: Microcents;
  /** Prompt that the provider's endpoint found in its cache. */
  readonly cachedPrompt: Microcents;
  readonly completion: Microcents;
}

/** Tokens of each kind. `prompt` doesn't count those of `cachedPrompt`. */
export interface TokenCounts {
  readonly prompt: number;
  readonly cachedPrompt: number;
  readonly completion: number;
}

/** Cents for 1000 tokens: a decimal string with up to six decimals (`"0.03"`), or whole cents as a number. */
export type DecimalCents = string | number;

/** Three prices, or one for everything. Without `cachedPrompt` a cached prompt costs what a prompt does. */
export type PriceInput =
  | DecimalCents
  | {
      readonly prompt: DecimalCents;
      readonly cachedPrompt?: DecimalCents;
      readonly completion: DecimalCents;
    };

/** The highest price: 1,000,000 cents for 1000 tokens. With ten million tokens it stays far below 64 bits. */
export const PRICE_MICROCENTS_MAX: Microcents = 1_000_000n * MICROCENTS_PER_CENT;

/** The three prices of an input; null where one is no price, or too high, or a cached prompt costs more than another. */
export function parsePrices(input: PriceInput): TokenPrices | null {
  const { prompt, cachedPrompt, completion } =
    typeof input === 'object'
      ? { cachedPrompt: input.prompt, ...input }
      : { prompt: input, cachedPrompt: input, completion: input };
  const [promptPrice, cachedPrice, completionPrice] = [prompt, cachedPrompt, completion].map(priceOf);
  if (promptPrice == null || cachedPrice == null || completionPrice == null) return null;
  // A hold covers a prompt without cache: a dearer cached one could cost more than was held.
  if (cachedPrice > promptPrice) return null;
  return { prompt: promptPrice, cachedPrompt: cachedPrice, completion: completionPrice };
}

function priceOf(input: DecimalCents): Microcents | null {
  const price = parsePrice(typeof input === 'number' ? wholeText(input) : input);
  return price !== null && price <= PRICE_MICROCENTS_MAX ? price : null;
}

/** A number's digits; of one that isn't whole no price can be read. */
function wholeText(cents: number): string {
  return Number.isSafeInteger(cents) ? String(cents) : '';
}
