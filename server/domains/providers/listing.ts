import type { QualityService } from '../quality/index.ts';
import type { LiveProvider } from './live-provider.ts';
import type { ListedModel, ListedProvider } from './types.ts';

/** A provider as anybody may see it. */
export function listProvider(
  { id, models, slots }: LiveProvider,
  assessments: Pick<QualityService, 'assessmentOf'>,
): ListedProvider {
  const { quality, latency, availability } = assessments.assessmentOf(id);
  return { id, models, slots, quality, latency, availability };
}

/** What providers serve, by name, each model once. */
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
  return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

// Math.min takes no bigint.
function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
