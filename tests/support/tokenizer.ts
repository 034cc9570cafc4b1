import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import {
  createModelTokenCounter,
  createTokenCounter,
  type ModelTokenizers,
  type TokenCounter,
  type Tokenizer,
} from '../../server/domains/pricing/index.ts';
import type { Clock } from '../../server/kernel/clock.ts';
import { FakeClock } from './clock.ts';

/** The tokenizer itself, without a thread. */
export const exactTokenizer: Tokenizer = {
  countTokens: async (portions) => {
    const asText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
    return portions.map((slices) => slices.reduce((tokens, slice) => tokens + countTokens(slice, asText), 0));
  },
};

/** No model has a tokenizer of its own. */
export const noModelTokenizers: ModelTokenizers = {
  tokenizerOf: () => null,
  countTokens: () => Promise.reject(new Error('no model has a tokenizer')),
};

/** A counter of o200k_base alone, without a thread. */
export const createExactCounter = (
  models: ModelTokenizers = noModelTokenizers,
  clock: Pick<Clock, 'monotonicMs'> = new FakeClock(),
): TokenCounter => createModelTokenCounter(createTokenCounter({ tokenizer: exactTokenizer }), models, clock);

/** A counter whose texts are counted by a test. */
export const countingBy = (countText: TokenCounter['countText']): TokenCounter => ({
  ...createExactCounter(),
  countText,
});
