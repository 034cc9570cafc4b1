import { AppError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { type Eligible, type OfferRank, scoredPrice } from '../providers/index.ts';

/** How a requester names the providers of its own tenant, whatever their ids are. */
export const OWN_PROVIDERS = 'own';

/** By whom a requester wants to be served. Providers are named by their ids, or as `OWN_PROVIDERS`. */
export interface ProviderPreferences {
  /** Null: anybody. */
  readonly only: readonly string[] | null;
  readonly ignore: readonly string[];
  /** Asked first, in this order. */
  readonly order: readonly string[];
  /** Whether others are asked after those in `order`. */
  readonly allowsOthers: boolean;
  /** What counts alone, instead of the market's own choice; null: that one. */
  readonly sort: 'price' | 'latency' | 'throughput' | null;
  /** Dearer ones are not asked; null: whatever it costs. */
  readonly promptPriceMax: Microcents | null;
  readonly completionPriceMax: Microcents | null;
  /** Only those who say that they keep nothing of what they are sent, and one's own. Absent: anybody. */
  readonly deniesKeeping?: true;
}

/** Of somebody who doesn't mind. */
export const NO_PREFERENCES: ProviderPreferences = {
  only: null,
  ignore: [],
  order: [],
  allowsOthers: true,
  sort: null,
  promptPriceMax: null,
  completionPriceMax: null,
};

/** True: they rule nobody out. */
export function isOpen(preferences: ProviderPreferences): boolean {
  const { only, ignore, allowsOthers, order, promptPriceMax, completionPriceMax, deniesKeeping } =
    preferences;
  const isRestricted = only !== null || ignore.length > 0 || (!allowsOthers && order.length > 0);
  return !isRestricted && deniesKeeping !== true && promptPriceMax === null && completionPriceMax === null;
}

/** True: the requester says itself what is too dear, or whom alone it wants. */
export function namesItsPrice({ only, promptPriceMax, completionPriceMax }: ProviderPreferences): boolean {
  return only !== null || promptPriceMax !== null || completionPriceMax !== null;
}

/** Those of `offers` that the requester allows. Refuses with `no_provider_allowed` where it allows none of them. */
export function allowedOffers(
  offers: readonly Eligible[],
  preferences: ProviderPreferences,
  tenantId: TenantId,
): readonly Eligible[] {
  const allowed = offers.filter((offer) => isAllowed(offer, preferences, tenantId));
  if (allowed.length > 0 || offers.length === 0) return allowed;
  throw new AppError(
    'not_found',
    'no_provider_allowed',
    'None of the providers of this model is one that the request allows.',
  );
}

/** True: a request with these preferences may go there. */
export function isAllowed(
  { provider, model }: Eligible,
  {
    only,
    ignore,
    order,
    allowsOthers,
    promptPriceMax,
    completionPriceMax,
    deniesKeeping,
  }: ProviderPreferences,
  tenantId: TenantId,
): boolean {
  const isOneOf = (names: readonly string[]) => placeIn(names, provider, tenantId) !== -1;
  if (only !== null && !isOneOf(only)) return false;
  if (isOneOf(ignore)) return false;
  if (deniesKeeping && provider.tenantId !== tenantId && !keepsNothing(provider)) return false;
  if (!allowsOthers && order.length > 0 && !isOneOf(order)) return false;
  if (promptPriceMax !== null && model.prices.prompt > promptPriceMax) return false;
  return completionPriceMax === null || model.prices.completion <= completionPriceMax;
}

/** What its owner says of it; nobody can check that. */
function keepsNothing({ declared: { dataPolicy } }: Eligible['provider']): boolean {
  return dataPolicy !== null && dataPolicy.retentionDays === 0 && !dataPolicy.trainsOnData;
}

/** Who is asked before whom; null: the market chooses. Those of the same rank the market chooses among. */
export function rankOf({ order, sort }: ProviderPreferences, tenantId: TenantId): OfferRank | null {
  if (order.length === 0 && sort === null) return null;
  return ({ provider, model }, nowMs) => {
    const place = placeIn(order, provider, tenantId);
    if (place !== -1) return place - order.length;
    switch (sort) {
      case 'price':
        return scoredPrice(model);
      case 'latency':
        return provider.standing.latencyMs(model.name, nowMs) ?? Number.MAX_VALUE;
      case 'throughput':
        return provider.standing.paceOf(model.name).tokenMs() ?? Number.MAX_VALUE;
      case null:
        return 0;
    }
  };
}

function placeIn(names: readonly string[], provider: Eligible['provider'], tenantId: TenantId): number {
  return names.findIndex(
    (name) => name === provider.id || (name === OWN_PROVIDERS && provider.tenantId === tenantId),
  );
}
