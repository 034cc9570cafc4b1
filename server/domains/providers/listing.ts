import { type Page, pageOf } from '../../kernel/page.ts';
import type { TokenPrices } from '../pricing/index.ts';
import type { QualityService } from '../quality/index.ts';
import { featuresOf } from './features.ts';
import type { LiveProvider } from './live-provider.ts';
import type { Eligible } from './model-market.ts';
import type { CheckableOffer, ListedModel, ListedProvider, ModelOffer } from './types.ts';

/** A provider as anybody may see it. */
export function listProvider(
  { id, models, declaredSlots, declared, standing }: LiveProvider,
  assessments: Pick<QualityService, 'assessmentOf'>,
): ListedProvider {
  const { quality, latency, availability } = assessments.assessmentOf(id);
  const checks = models.flatMap(({ name }) => standing.checkOf(name) ?? []);
  return { id, models, slots: declaredSlots, quality, latency, availability, checks, ...declared };
}

/** A provider's model as checks need to know it. */
export function checkableOf({ provider: { id, tenantId, standing }, model }: Eligible): CheckableOffer {
  const { answers, meanTokens, isPaddingOutlier, isClaimOutlier } = standing.answersOf(model.name);
  return {
    providerId: id,
    ownerId: tenantId,
    model: model.name,
    givesLogprobs: model.capabilities?.features.has('logprobs') ?? false,
    answers,
    meanTokens,
    isOutlier: isPaddingOutlier || isClaimOutlier,
  };
}

/** What providers serve, each model once. */
export function listModels(providers: Iterable<LiveProvider>): readonly ListedModel[] {
  const offers = new Map<string, ModelOffer[]>();
  for (const provider of providers) {
    for (const model of provider.models) {
      const known = offers.get(model.name);
      if (known === undefined) offers.set(model.name, [model]);
      else known.push(model);
    }
  }
  return [...offers].map(([name, offered]) => ({
    name,
    providers: offered.length,
    contextTokensMax: offered.reduce((max, { contextTokens }) => Math.max(max, contextTokens), 0),
    pricesMin: offered.map(({ prices }) => prices).reduce(lowest),
    features: featuresOf(offered),
  }));
}

function lowest(some: TokenPrices, others: TokenPrices): TokenPrices {
  return {
    prompt: lesser(some.prompt, others.prompt),
    cachedPrompt: lesser(some.cachedPrompt, others.cachedPrompt),
    completion: lesser(some.completion, others.completion),
  };
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
