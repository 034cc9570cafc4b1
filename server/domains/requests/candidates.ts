import { AppError, invalidInput } from '../../kernel/errors.ts';
import { type Microcents, priceToText } from '../../kernel/money.ts';
import type { TokenPrices } from '../pricing/index.ts';
import type { Eligible, ProviderId } from '../providers/index.ts';
import { insufficientBalance } from './errors.ts';
import { COMPLETION_TOKENS_DEFAULT, COMPLETION_TOKENS_MAX } from './limits.ts';
import type { ComputeOrder } from './types.ts';

/** What narrows the choice of a provider beside its model. */
export interface ChoiceLimits {
  /** Prompt and longest answer together. */
  readonly neededTokens: number;
  /** Providers that failed the request already. */
  readonly failed: ReadonlySet<ProviderId>;
  /** What the requester allows; null: anything. */
  readonly costMicrocentsMax: Microcents | null;
  /** The balance didn't reach for this much; null: it was not asked yet, or it did. */
  readonly unaffordableMicrocents: Microcents | null;
}

/**
 * How long the answer may become: what the requester wants, or a default that the largest context still takes. Refuses
 * with `invalid_input` and `context_length_exceeded`.
 */
export function completionTokensOf(order: ComputeOrder, offers: readonly Eligible[]): number {
  const { completionTokensMax: wanted, promptTokens } = order;
  if (wanted !== null && (!Number.isInteger(wanted) || wanted < 1 || wanted > COMPLETION_TOKENS_MAX)) {
    throw invalidInput(`max_tokens must be 1 to ${COMPLETION_TOKENS_MAX}.`);
  }
  const contextTokensMax = Math.max(...offers.map(({ model }) => model.contextTokens));
  const room = contextTokensMax - promptTokens;
  if (room < (wanted ?? 1)) {
    throw new AppError(
      'invalid',
      'context_length_exceeded',
      `The model takes ${contextTokensMax} tokens; the request needs ${promptTokens + (wanted ?? 1)}.`,
      { details: { contextTokensMax, promptTokens } },
    );
  }
  return wanted ?? Math.min(COMPLETION_TOKENS_DEFAULT, room);
}

/**
 * Those of `offers` that the request may go to. Refuses with `maximum_cost_exceeded` when all cost more than the requester
 * allows, and with `insufficient_balance` when all cost more than the balance; null when all have failed it.
 */
export function narrowOffers(
  offers: readonly Eligible[],
  limits: ChoiceLimits,
  costMicrocentsOf: (prices: TokenPrices) => Microcents,
): readonly Eligible[] | null {
  const { neededTokens, failed, costMicrocentsMax, unaffordableMicrocents } = limits;
  const priced = offers
    .filter(({ provider, model }) => !failed.has(provider.id) && model.contextTokens >= neededTokens)
    .map((offer) => ({ offer, costMicrocents: costMicrocentsOf(offer.model.prices) }));
  if (priced.length === 0) return null;
  const allowed = priced.filter(
    ({ costMicrocents }) => costMicrocentsMax === null || costMicrocents <= costMicrocentsMax,
  );
  if (allowed.length === 0) {
    throw new AppError(
      'payment_required',
      'maximum_cost_exceeded',
      'Every provider could cost more than allowed.',
      { details: { costCentsMax: priceToText(costMicrocentsMax ?? 0n) } },
    );
  }
  const affordable = allowed.filter(
    ({ costMicrocents }) => unaffordableMicrocents === null || costMicrocents < unaffordableMicrocents,
  );
  if (affordable.length > 0) return affordable.map(({ offer }) => offer);
  throw insufficientBalance();
}
