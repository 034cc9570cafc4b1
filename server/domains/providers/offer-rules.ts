import { invalidInput } from '../../kernel/errors.ts';
import { parsePrices } from '../pricing/index.ts';
import { CONTEXT_TOKENS_MAX, MODEL_NAME, OFFERED_MODELS_MAX, SLOTS_MAX } from './limits.ts';
import type { ModelOffer, Offer, OfferInput } from './types.ts';

/** One thing that is wrong with an offer. */
interface Problem {
  readonly path: string;
  readonly message: string;
}

const NO_PRICES = { prompt: 0n, cachedPrompt: 0n, completion: 0n };

/** The checked offer. Refuses with `invalid_input`, every problem in `details.problems`. */
export function checkOffer({ slots, models: offered }: OfferInput): Offer {
  const problems: Problem[] = [];
  requireRange(problems, 'slots', slots, 1, SLOTS_MAX);
  requireRange(problems, 'models.length', offered.length, 1, OFFERED_MODELS_MAX);
  const names = new Set<string>();
  const models = offered
    .slice(0, OFFERED_MODELS_MAX)
    .map(({ name, prices, contextTokens }, index): ModelOffer => {
      const path = `models.${index}`;
      if (!MODEL_NAME.test(name)) problems.push({ path: `${path}.name`, message: 'is no model name' });
      if (names.has(name)) problems.push({ path: `${path}.name`, message: 'is offered twice' });
      names.add(name);
      const parsed = parsePrices(prices);
      if (parsed === null) {
        const message = 'must be 0 to 1000000 cents per 1000 tokens, as a decimal with up to six places';
        problems.push({ path: `${path}.prices`, message });
      }
      requireRange(problems, `${path}.context_tokens`, contextTokens, 1, CONTEXT_TOKENS_MAX);
      return { name, prices: parsed ?? NO_PRICES, contextTokens };
    });
  if (problems.length > 0) throw invalidInput('The offer is not acceptable.', { problems });
  return { models, slots };
}

function requireRange(problems: Problem[], path: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  problems.push({ path, message: `must be ${min} to ${max}` });
}
