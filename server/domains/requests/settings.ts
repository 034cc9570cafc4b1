import type { Microcents } from '../../kernel/money.ts';
import { ANY_MODEL } from '../providers/index.ts';
import { MODELS_MAX } from './limits.ts';
import { NO_PREFERENCES, type ProviderPreferences } from './preferences.ts';
import type { UncountedOrder } from './types.ts';

/** What an account's requests ask for where they say nothing, and what they never go beyond. */
export interface RequestSettings {
  /** Tried where a request asks for any model, the best first; none: any model. At most `MODELS_MAX`. */
  readonly models: readonly string[];
  /** Defaults but for the prices, which are limits: a request may set lower ones, not higher ones. */
  readonly preferences: ProviderPreferences;
  /** A limit, too: the most one request may cost; null: none. */
  readonly costMicrocentsMax: Microcents | null;
}

/** Of an account that has chosen nothing. */
export const NO_SETTINGS: RequestSettings = {
  models: [],
  preferences: NO_PREFERENCES,
  costMicrocentsMax: null,
};

type Asked = Pick<UncountedOrder, 'models' | 'preferences' | 'costMicrocentsMax'>;

/**
 * The order with its account's settings: its own words first, of the limits the stricter. Whom it wants to be served by (`only`,
 * `ignore`, `order`, `allowsOthers`) is taken as a whole, so that an order that says one of them is touched by none.
 */
export function withSettings<Order extends Asked>(
  order: Order,
  settings: RequestSettings,
  isInScope: (model: string) => boolean,
): Order {
  if (settings === NO_SETTINGS) return order;
  return {
    ...order,
    models: modelsWith(order.models, settings.models.filter(isInScope)),
    preferences: preferencesWith(order.preferences, settings.preferences),
    costMicrocentsMax: stricter(order.costMicrocentsMax, settings.costMicrocentsMax),
  };
}

function modelsWith(asked: readonly string[], defaults: readonly string[]): readonly string[] {
  if (defaults.length === 0 || !asked.includes(ANY_MODEL)) return asked;
  // What the request names comes before what doesn't fit any more.
  const room = Math.max(0, MODELS_MAX - asked.filter((name) => name !== ANY_MODEL).length);
  const chosen = defaults.slice(0, room);
  const models = asked.flatMap((name) => (name === ANY_MODEL ? chosen : [name]));
  return [...new Set(models)].slice(0, MODELS_MAX);
}

function preferencesWith(asked: ProviderPreferences, defaults: ProviderPreferences): ProviderPreferences {
  const { only, ignore, order, allowsOthers } = namesProviders(asked) ? asked : defaults;
  return {
    only,
    ignore,
    order,
    allowsOthers,
    sort: asked.sort ?? defaults.sort,
    promptPriceMax: stricter(asked.promptPriceMax, defaults.promptPriceMax),
    completionPriceMax: stricter(asked.completionPriceMax, defaults.completionPriceMax),
    ...(asked.deniesKeeping && { deniesKeeping: true }),
  };
}

function namesProviders({ only, ignore, order, allowsOthers }: ProviderPreferences): boolean {
  return only !== null || ignore.length > 0 || order.length > 0 || !allowsOthers;
}

function stricter(one: Microcents | null, other: Microcents | null): Microcents | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}
