import type { Microcents } from '../../kernel/money.ts';
import type { PricingService } from '../pricing/index.ts';
import type { Eligible, ModelOffer } from '../providers/index.ts';
import { type BrokenOffShares, flatPriceOf } from './shares.ts';
import type { ComputeOrder, Requester } from './types.ts';

/** How long the answer to an order may be, and what it could cost, at this provider or that. */
export class AnswerCosts {
  readonly #order: ComputeOrder;
  readonly #requester: Requester;
  readonly #brokenOff: BrokenOffShares;
  readonly #pricing: PricingService;

  constructor(
    { order, requester }: { readonly order: ComputeOrder; readonly requester: Requester },
    brokenOff: BrokenOffShares,
    pricing: PricingService,
  ) {
    this.#order = order;
    this.#requester = requester;
    this.#brokenOff = brokenOff;
    this.#pricing = pricing;
  }

  /** Tokens that the whole answer may have at this model, all that are wanted together. */
  tokensMaxAt({ contextTokens }: ModelOffer): number {
    const { completionTokensMax, longestPromptTokens, task } = this.#order;
    // Vectors are paid by their prompt.
    if (task.api === 'embeddings') return 0;
    return Math.min(completionTokensMax ?? contextTokens, contextTokens - longestPromptTokens) * task.choices;
  }

  /** Tokens of the whole answer that are held first, where `tokens` of the rest are to be held. */
  firstTokensAt(model: ModelOffer, tokens: number): number {
    return Math.min(this.#brokenOff.completionTokens + tokens, this.tokensMaxAt(model));
  }

  /** The most that the prompt and an answer of so many tokens could cost, of which others may have delivered a part. */
  costOf({ provider, model }: Pick<Eligible, 'provider' | 'model'>, completionTokens: number): Microcents {
    const prompt = this.#order.promptTokens;
    const completion = completionTokens - this.#brokenOff.completionTokens;
    const rest = this.#pricing.price({ prompt, cachedPrompt: 0, completion }, model.prices);
    const flat = flatPriceOf(provider, this.#requester, this.#pricing);
    return this.#brokenOff.costMicrocents + rest.costMicrocents + flat;
  }
}
