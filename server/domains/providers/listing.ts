import { type Page, pageOf } from '../../kernel/page.ts';
import type { QualityService } from '../quality/index.ts';
import type { LiveProvider } from './live-provider.ts';
import type { ListedModel, ListedProvider } from './types.ts';

/** A provider as anybody may see it. */
export function listProvider(
  { id, models, declaredSlots }: LiveProvider,
  assessments: Pick<QualityService, 'assessmentOf'>,
): ListedProvider {
  const { quality, latency, availability } = assessments.assessmentOf(id);
  return { id, models, slots: declaredSlots, quality, latency, availability };
}

/** What providers serve, each model once. */
export function listModels(providers: Iterable<LiveProvider>): readonly ListedModel[] {
  const models = new Map<string, ListedModel>();
  for (const provider of providers) {
    for (const { name, contextTokens, prices } of provider.models) {
      const known = models.get(name);
      const pricesMin = known?.pricesMin ?? prices;
      models.set(name, {
        name,
        providers: (known?.providers ?? 0) + 1,
        contextTokensMax: Math.max(known?.contextTokensMax ?? 0, contextTokens),
        pricesMin: {
          prompt: lesser(pricesMin.prompt, prices.prompt),
          cachedPrompt: lesser(pricesMin.cachedPrompt, prices.cachedPrompt),
          completion: lesser(pricesMin.completion, prices.completion),
        },
      });
    }
  }
  return [...models.values()];
}

/** The first `limit` of the items behind `after`, in the order of their keys. */
export function pageBehind<Item, Key extends string>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
  after: Key | null,
  limit: number,
): Page<Item, Key> {
  const behind = items
    .filter((item) => after === null || keyOf(item) > after)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return pageOf(behind, limit, keyOf);
}

// Math.min takes no bigint.
function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
