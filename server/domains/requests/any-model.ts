import { AppError } from '../../kernel/errors.ts';
import { ANY_MODEL, capableOffers, type Eligible, scoredPrice } from '../providers/index.ts';
import { MODELS_MAX } from './limits.ts';
import { allowedOffers, rankOf } from './preferences.ts';
import type { Requester, UncountedOrder } from './types.ts';

/**
 * The models that an order is tried with. Where it asks for any (`ANY_MODEL`), those that can do what it needs by providers that it
 * allows, over all of them: the cheapest first (half of it prompt, half answer), or by what the order wants sorted; equals by name.
 * Refuses with `model_not_found`, `feature_not_supported` and `no_provider_allowed`.
 */
export function modelsFor(
  order: Pick<UncountedOrder, 'models' | 'preferences' | 'task'>,
  { tenantId }: Requester,
  market: { readonly offers: () => readonly Eligible[]; readonly nowMs: number },
): readonly string[] {
  if (!order.models.includes(ANY_MODEL)) return order.models;
  const offers = market.offers();
  if (offers.length === 0) throw new AppError('not_found', 'model_not_found', 'No provider offers a model.');
  const capable = capableOffers(offers, order.task.needs);
  const rank = rankOf({ ...order.preferences, sort: order.preferences.sort ?? 'price' }, tenantId);
  const best = new Map<string, number>();
  for (const offer of allowedOffers(capable, order.preferences, tenantId)) {
    const value = rank?.(offer, market.nowMs) ?? scoredPrice(offer.model);
    best.set(offer.model.name, Math.min(best.get(offer.model.name) ?? Number.POSITIVE_INFINITY, value));
  }
  const names = [...best]
    .sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1))
    .map(([name]) => name);
  return [...new Set(order.models.flatMap((name) => (name === ANY_MODEL ? names : [name])))].slice(
    0,
    MODELS_MAX,
  );
}
