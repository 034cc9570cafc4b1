import { z } from 'zod';
import { RESERVED_SUFFIX } from '../../domains/providers/index.ts';
import { MODELS_MAX, NO_PREFERENCES, type ProviderPreferences } from '../../domains/requests/index.ts';
import { type Microcents, parsePrice } from '../../kernel/money.ts';
import { PROVIDERS_NAMED_MAX } from './limits.ts';

const modelName = z.string().min(1).max(128);
const providerIds = z.array(z.string().min(1).max(64)).max(PROVIDERS_NAMED_MAX);
const price = z
  .union([z.string(), z.number()])
  .refine((value) => priceOf(value) !== null, 'it must be cents for 1000 tokens, with up to six places');

/** The models to fall back to: tried in order after `model`, as OpenRouter has it. */
export const modelsSchema = z.array(modelName).max(MODELS_MAX - 1);

/** Who may serve a request, and who is asked first. The names are OpenRouter's; prices are cents for 1000 tokens. */
export const providerPreferencesSchema = z.strictObject({
  order: providerIds.nullish(),
  only: providerIds.nullish(),
  ignore: providerIds.nullish(),
  allow_fallbacks: z.boolean().nullish(),
  sort: z.enum(['price', 'latency', 'throughput']).nullish(),
  max_price: z.strictObject({ prompt: price.nullish(), completion: price.nullish() }).nullish(),
  // What every provider does.
  require_parameters: z.boolean().nullish(),
  data_collection: z.enum(['allow', 'deny']).nullish(),
});

/** What of a chat says which model, and by whom. */
export interface ChatChoice {
  readonly model: string;
  readonly models?: readonly string[] | null | undefined;
  readonly provider?: z.output<typeof providerPreferencesSchema> | null | undefined;
}

/** The order's models, the best first, and preferences. A name that ends in `:floor` or `:nitro` asks for the cheapest or the fastest. */
export function choiceOf({ model, models, provider }: ChatChoice): {
  readonly models: readonly string[];
  readonly preferences: ProviderPreferences;
} {
  const names = [model, ...(models ?? [])];
  const suffix = RESERVED_SUFFIX.exec(model)?.[1];
  const sort = provider?.sort ?? (suffix === undefined ? null : SORTS[suffix]) ?? null;
  return {
    models: [...new Set(names.map((name) => name.replace(RESERVED_SUFFIX, '')))],
    preferences: provider || sort !== null ? preferencesOf(provider ?? {}, sort) : NO_PREFERENCES,
  };
}

const SORTS: Readonly<Record<string, ProviderPreferences['sort']>> = { floor: 'price', nitro: 'throughput' };

function preferencesOf(
  {
    order,
    only,
    ignore,
    allow_fallbacks: allowsOthers,
    max_price: prices,
    data_collection: collection,
  }: NonNullable<ChatChoice['provider']>,
  sort: ProviderPreferences['sort'],
): ProviderPreferences {
  return {
    only: only ?? null,
    ignore: ignore ?? [],
    order: order ?? [],
    allowsOthers: allowsOthers ?? true,
    sort,
    promptPriceMax: priceOf(prices?.prompt),
    completionPriceMax: priceOf(prices?.completion),
    ...(collection === 'deny' && { deniesKeeping: true as const }),
  };
}

function priceOf(value: string | number | null | undefined): Microcents | null {
  return value === null || value === undefined ? null : parsePrice(String(value));
}
