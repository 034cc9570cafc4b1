import type { yggdrasil } from '../../../proto/index.ts';
import { invalidInput } from '../../kernel/errors.ts';
import { CONTEXT_TOKENS_MAX, MODEL_NAME, OFFERED_MODELS_MAX, PRICE_CENTS_MAX, SLOTS_MAX } from './limits.ts';
import type { ModelOffer, Offer } from './types.ts';

/** The offer in a message. Refuses with `invalid_input`, every problem in `details.problems`. */
export function checkOffer(message: yggdrasil.v1.ProviderOffer.$Properties): Offer {
  const problems: { path: string; message: string }[] = [];
  const requireRange = (path: string, value: number, min: number, max: number) => {
    if (value < min || value > max) problems.push({ path, message: `must be ${min} to ${max}` });
  };
  const offered = message.models ?? [];
  const slots = message.slots ?? 0;
  requireRange('slots', slots, 1, SLOTS_MAX);
  requireRange('models.length', offered.length, 1, OFFERED_MODELS_MAX);
  const names = new Set<string>();
  const models = offered.slice(0, OFFERED_MODELS_MAX).map((model, index): ModelOffer => {
    const path = `models.${index}`;
    const name = model.name ?? '';
    const price = model.priceCentsPer_1000Tokens ?? 0;
    const contextTokens = model.contextTokens ?? 0;
    if (!MODEL_NAME.test(name)) problems.push({ path: `${path}.name`, message: 'is no model name' });
    if (names.has(name)) problems.push({ path: `${path}.name`, message: 'is offered twice' });
    names.add(name);
    requireRange(`${path}.price_cents_per_1000_tokens`, price, 0, PRICE_CENTS_MAX);
    requireRange(`${path}.context_tokens`, contextTokens, 1, CONTEXT_TOKENS_MAX);
    return { name, priceCentsPer1000Tokens: BigInt(Math.trunc(price)), contextTokens };
  });
  if (problems.length > 0) throw invalidInput('The offer is not acceptable.', { problems });
  return { models, slots };
}
