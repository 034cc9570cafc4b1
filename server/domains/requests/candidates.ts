import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { type Microcents, priceToText } from '../../kernel/money.ts';
import { type Eligible, meetsNeeds, type Need, type ProviderId } from '../providers/index.ts';
import { type QuotaRefusal, quotaExceeded } from '../spending/index.ts';
import type { TransactionShare } from '../transactions/index.ts';
import { insufficientBalance, spendingLimitReached } from './errors.ts';
import { COMPLETION_TOKENS_MAX } from './limits.ts';
import { allowedOffers, type ProviderPreferences } from './preferences.ts';
import type { ComputeOrder } from './types.ts';

/** What narrows the choice of a provider beside its model. */
export interface ChoiceLimits {
  readonly preferences: ProviderPreferences;
  /** Whose preferences they are. */
  readonly tenantId: TenantId;
  readonly needs: readonly Need[];
  /** Prompt and longest answer together; for an answer without a limit the prompt and one token. */
  readonly neededTokens: number;
  /** True: an answer that has begun is to be gone on with. */
  readonly isContinuation: boolean;
  /** What those get who delivered a part of it. */
  readonly brokenOff: readonly TransactionShare[];
  /** Providers that failed the request already. */
  readonly failed: ReadonlySet<ProviderId>;
  /** What the requester allows; null: anything. */
  readonly costMicrocentsMax: Microcents | null;
  /** Null: nothing was too dear yet. */
  readonly unaffordable: Unaffordable | null;
  readonly nowMs: number;
}

/** What a cost was too much for: the balance, the limit of the API key, or what the tenant may spend. */
export type TooLittle = 'insufficient_balance' | 'spending_limit_reached' | QuotaRefusal;

/** A cost that was too much, and for what. */
export interface Unaffordable {
  readonly costMicrocents: Microcents;
  readonly refused: TooLittle;
}

/** The longest context that is offered. */
export function contextTokensMaxOf(offers: readonly Eligible[]): number {
  return Math.max(...offers.map(({ model }) => model.contextTokens));
}

/** Refuses an order that no offer has the context for, with `invalid_input` and `context_length_exceeded`. */
export function requireContext(order: ComputeOrder, offers: readonly Eligible[]): void {
  const { completionTokensMax: wanted, longestPromptTokens: promptTokens } = order;
  if (wanted !== null && (!Number.isInteger(wanted) || wanted < 1 || wanted > COMPLETION_TOKENS_MAX)) {
    throw invalidInput(`max_tokens must be 1 to ${COMPLETION_TOKENS_MAX}.`);
  }
  const contextTokensMax = contextTokensMaxOf(offers);
  const room = contextTokensMax - promptTokens;
  if (room < (wanted ?? 1)) {
    throw new AppError(
      'invalid',
      'context_length_exceeded',
      `The model takes ${contextTokensMax} tokens; the request needs ${promptTokens + (wanted ?? 1)} or more.`,
      { details: { contextTokensMax } },
    );
  }
}

/** Whose cheap machine broke off must not earn by a dear one of his that goes on. */
function mayGoOn({ provider, model }: Eligible, brokenOff: readonly TransactionShare[]): boolean {
  const isDearer = ({ prompt, completion }: TransactionShare['prices']) =>
    model.prices.prompt > prompt || model.prices.completion > completion;
  const ofSame = brokenOff.filter((share) => share.provider.tenantId === provider.tenantId);
  return model.continuesAnswers && !ofSame.some(({ prices }) => isDearer(prices));
}

/**
 * Those of `offers` that the request may go to. Refuses with `no_provider_allowed` where the requester allows none of them, with `maximum_cost_exceeded` when all cost more than the requester
 * allows, and with `insufficient_balance`, `spending_limit_reached` or `spend_quota_exceeded` when all cost more than there is; null when all have failed
 * it.
 */
export function narrowOffers(
  offers: readonly Eligible[],
  limits: ChoiceLimits,
  costMicrocentsOf: (offer: Eligible) => Microcents,
): readonly Eligible[] | null {
  const { needs, neededTokens, isContinuation, brokenOff, failed, costMicrocentsMax, unaffordable, nowMs } =
    limits;
  const priced = allowedOffers(offers, limits.preferences, limits.tenantId)
    .filter(({ provider, model }) => !failed.has(provider.id) && model.contextTokens >= neededTokens)
    .filter(({ model }) => meetsNeeds(model, needs))
    .filter((offer) => !isContinuation || mayGoOn(offer, brokenOff))
    .map((offer) => ({ offer, costMicrocents: costMicrocentsOf(offer) }));
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
    ({ costMicrocents }) => unaffordable === null || costMicrocents < unaffordable.costMicrocents,
  );
  if (affordable.length > 0) return affordable.map(({ offer }) => offer);
  throw tooLittle(unaffordable?.refused ?? 'insufficient_balance', nowMs);
}

function tooLittle(refused: TooLittle, nowMs: number): AppError {
  switch (refused) {
    case 'insufficient_balance':
      return insufficientBalance();
    case 'spending_limit_reached':
      return spendingLimitReached();
    default:
      return quotaExceeded(refused, nowMs);
  }
}

/** True for what a cheaper provider may mend. */
export function isTooLittle(reason: string): reason is TooLittle {
  return TOO_LITTLE.has(reason);
}

const TOO_LITTLE: ReadonlySet<string> = new Set<TooLittle>([
  'insufficient_balance',
  'spending_limit_reached',
  'spend_quota_day',
  'spend_quota_month',
  'spend_quota_held',
]);
