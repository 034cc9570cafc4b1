import { AppError, invalidInput } from '../../kernel/errors.ts';
import { parsePrices } from '../pricing/index.ts';
import { capabilitiesOf } from './features.ts';
import {
  ANY_MODEL,
  CAPABILITIES_MAX,
  CAPABILITY_NAME,
  CONTEXT_TOKENS_MAX,
  MODEL_NAME,
  OFFERED_MODELS_MAX,
  RESERVED_SUFFIX,
  SLOTS_MAX,
  TENANT_MODEL_NAMES_MAX,
  TENANT_OFFERED_MODELS_MAX,
  TENANT_PROVIDERS_MAX,
} from './limits.ts';
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
    .map(({ features = [], fields = [], ...model }, index): ModelOffer => {
      const { name, prices, contextTokens, continuesAnswers = false } = model;
      const path = `models.${index}`;
      if (!MODEL_NAME.test(name)) problems.push({ path: `${path}.name`, message: 'is no model name' });
      if (RESERVED_SUFFIX.test(name))
        problems.push({ path: `${path}.name`, message: 'must not end in :floor or :nitro' });
      if (name === ANY_MODEL) problems.push({ path: `${path}.name`, message: 'asks for any model' });
      if (names.has(name)) problems.push({ path: `${path}.name`, message: 'is offered twice' });
      names.add(name);
      const parsed = parsePrices(prices);
      if (parsed === null) {
        const message = 'must be 0 to 1000000 cents per 1000 tokens, as a decimal with up to six places';
        problems.push({ path: `${path}.prices`, message });
      }
      requireRange(problems, `${path}.context_tokens`, contextTokens, 1, CONTEXT_TOKENS_MAX);
      requireNames(problems, `${path}.features`, features);
      requireNames(problems, `${path}.fields`, fields);
      const capabilities = capabilitiesOf(features, fields);
      return { name, prices: parsed ?? NO_PRICES, contextTokens, continuesAnswers, ...capabilities };
    });
  if (problems.length > 0) throw invalidInput('The offer is not acceptable.', { problems });
  return { models, slots };
}

/**
 * Makes sure that a tenant whose `others` are listed may list this offer, too: everybody reads the list. Refuses with
 * `limit_reached`.
 */
export function requireShare(
  others: readonly { readonly models: readonly ModelOffer[] }[],
  { models }: Offer,
): void {
  const offers = [...others.map((other) => other.models), models];
  const entries = offers.flat();
  const names = new Set(entries.map(({ name }) => name));
  requireAtMost('providers', offers.length, TENANT_PROVIDERS_MAX);
  requireAtMost('models', entries.length, TENANT_OFFERED_MODELS_MAX);
  requireAtMost('names of models', names.size, TENANT_MODEL_NAMES_MAX);
}

function requireAtMost(what: string, count: number, max: number): void {
  if (count <= max) return;
  throw new AppError('conflict', 'limit_reached', `A tenant lists at most ${max} ${what}.`, {
    details: { max },
  });
}

function requireNames(problems: Problem[], path: string, names: readonly string[]): void {
  if (names.length <= CAPABILITIES_MAX && names.every((name) => CAPABILITY_NAME.test(name))) return;
  const message = `must be at most ${CAPABILITIES_MAX} names of letters, digits and underscores`;
  problems.push({ path, message });
}

function requireRange(problems: Problem[], path: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  problems.push({ path, message: `must be ${min} to ${max}` });
}
