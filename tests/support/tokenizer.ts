import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import type { Tokenizer } from '../../server/domains/pricing/index.ts';

/** The tokenizer itself, without a thread. */
export const exactTokenizer: Tokenizer = {
  countTokens: async (portions) => {
    const asText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
    return portions.map((slices) => slices.reduce((tokens, slice) => tokens + countTokens(slice, asText), 0));
  },
};
