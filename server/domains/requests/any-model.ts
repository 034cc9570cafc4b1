import { AppError } from '../../kernel/errors.ts';
import {
  ANY_MODEL,
  type CheapModel,
  capableOffers,
  type Eligible,
  meetsNeeds,
  scoredPrice,
} from '../providers/index.ts';
import { MODELS_MAX } from './limits.ts';
import { allowedOffers, isAllowed, rankOf } from './preferences.ts';
import type { Requester, UncountedOrder } from './types.ts';

/** What is offered, a model at a time. */
export interface AnyModelMarket {
  /** Every model with a price that nobody asks less than, the lowest first. */
  readonly models: () => readonly CheapModel[];
  readonly offersOf: (model: string) => readonly Eligible[];
  readonly nowMs: number;
}

type AnyOrder = Pick<UncountedOrder, 'models' | 'preferences' | 'task'>;

/** A model, and the best that it is offered at: less is better. */
interface RankedModel {
  readonly name: string;
  readonly value: number;
}

/**
 * The models that an order is tried with. Where it asks for any (`ANY_MODEL`), those that can do what it needs by providers that it
 * allows, over all of them: the cheapest first (half of it prompt, half answer), or by what the order wants sorted; equals by name.
 * By price alone only the offers of the cheapest models are looked at. Refuses with `model_not_found`, `feature_not_supported` and
 * `no_provider_allowed`.
 */
export function modelsFor(order: AnyOrder, requester: Requester, market: AnyModelMarket): readonly string[] {
  if (!order.models.includes(ANY_MODEL)) return order.models;
  const known = market.models();
  if (known.length === 0) throw new AppError('not_found', 'model_not_found', 'No provider offers a model.');
  const { sort, order: wanted } = order.preferences;
  const isByPrice = wanted.length === 0 && (sort === null || sort === 'price');
  const ranked = rankModels(known, isByPrice ? MODELS_MAX : null, order, requester, market);
  if (ranked.length === 0) refuse(known, order, requester, market);
  const names = ranked.map(({ name }) => name);
  return [...new Set(order.models.flatMap((name) => (name === ANY_MODEL ? names : [name])))].slice(
    0,
    MODELS_MAX,
  );
}

/** With `enough` it ends where no model that follows can be among the first so many: its lowest price is higher than all of theirs. */
function rankModels(
  known: readonly CheapModel[],
  enough: number | null,
  { preferences, task }: AnyOrder,
  { tenantId }: Requester,
  { offersOf, nowMs }: AnyModelMarket,
): readonly RankedModel[] {
  const rank = rankOf({ ...preferences, sort: preferences.sort ?? 'price' }, tenantId);
  const ranked: RankedModel[] = [];
  for (const { name, lowestPrice } of known) {
    const last = enough === null ? undefined : ranked[enough - 1];
    if (last !== undefined && lowestPrice > last.value) break;
    let value = Number.POSITIVE_INFINITY;
    for (const offer of offersOf(name)) {
      if (meetsNeeds(offer.model, task.needs) && isAllowed(offer, preferences, tenantId))
        value = Math.min(value, rank?.(offer, nowMs) ?? scoredPrice(offer.model));
    }
    if (value === Number.POSITIVE_INFINITY) continue;
    ranked.push({ name, value });
    ranked.sort((one, other) => one.value - other.value || (one.name < other.name ? -1 : 1));
  }
  return ranked;
}

/** Says why none of all offers will do. */
function refuse(
  known: readonly CheapModel[],
  { preferences, task }: AnyOrder,
  { tenantId }: Requester,
  { offersOf }: AnyModelMarket,
): never {
  const offers = known.flatMap(({ name }) => offersOf(name));
  allowedOffers(capableOffers(offers, task.needs), preferences, tenantId);
  throw new AppError('not_found', 'model_not_found', 'No provider offers a model.');
}
