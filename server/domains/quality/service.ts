import type { Clock } from '../../kernel/clock.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { HALF_LIFE_MS, KNOWN_PROVIDERS_MAX } from './limits.ts';
import { neutralQuality, observationOf, ratedQuality } from './rules.ts';
import type {
  AssessedProvider,
  ProviderOutcome,
  ProviderQuality,
  ProviderRating,
  StoredQuality,
} from './types.ts';

/** The part of the compute core that knows weighted means. */
export interface QualityCore {
  updateQuality(
    state: ProviderQuality | null,
    observation: { quality: number; latency: number; availability: number; timeMs: number },
    halfLifeMs: number,
  ):
    | { readonly ok: true; readonly assessment: ProviderQuality }
    | { readonly ok: false; readonly reason: string };
}

/** Where assessments are kept. */
export interface QualityStore {
  find(providerId: string): Promise<StoredQuality | null>;
  save(assessed: readonly AssessedProvider[]): Promise<void>;
}

/** What the quality service needs. */
export interface QualityDependencies {
  readonly core: QualityCore;
  readonly store: QualityStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
}

/** Quality as the rest of the server sees it. */
export type QualityService = ReturnType<typeof createQualityService>;

const NO_RATING: ProviderRating = { voices: 0, stars: 0 };

/** A provider in memory: as it was measured, and as it is shown. */
interface KnownProvider extends AssessedProvider {
  readonly rating: ProviderRating;
  readonly shown: ProviderQuality;
}

/** Makes the quality service. Providers used lately are in memory; changes are written in batches, bad news at once. */
export function createQualityService(dependencies: QualityDependencies) {
  const { core, store, clock, logger } = dependencies;
  const known = new Map<string, KnownProvider>();
  const changed = new Set<string>();

  /** Puts it last among those to be forgotten. What isn't written yet stays. */
  const remember = (
    assessed: AssessedProvider,
    rating = known.get(assessed.providerId)?.rating ?? NO_RATING,
  ) => {
    known.delete(assessed.providerId);
    const shown = ratedQuality(assessed.quality, rating);
    known.set(assessed.providerId, { ...assessed, rating, shown });
    if (known.size <= KNOWN_PROVIDERS_MAX) return;
    for (const id of known.keys()) {
      if (changed.has(id)) continue;
      known.delete(id);
      return;
    }
  };

  const flush = async () => {
    if (changed.size === 0) return;
    const ids = [...changed];
    changed.clear();
    try {
      await store.save(ids.flatMap((id) => known.get(id) ?? []));
    } catch (cause) {
      for (const id of ids) changed.add(id);
      logger.warn({ operation: 'quality.save', cause }, 'assessments will be written later');
    }
  };

  return {
    /** Reads a provider's assessment into memory, or gives it the neutral start. */
    async load(providerId: string, tenantId: TenantId): Promise<void> {
      const assessed = known.get(providerId);
      if (assessed !== undefined) return remember({ providerId, tenantId, quality: assessed.quality });
      const stored: StoredQuality = (await store.find(providerId)) ?? neutralQuality(clock.nowMs());
      const { rating = NO_RATING, ...found } = stored;
      remember({ providerId, tenantId, quality: known.get(providerId)?.quality ?? found }, rating);
    },

    /** The assessment of a provider that was loaded, with what requesters think of it; neutral for one that wasn't. */
    assessmentOf(providerId: string): ProviderQuality {
      return known.get(providerId)?.shown ?? neutralQuality(clock.nowMs());
    },

    /** Takes in how a request ended. Failures are written at once, the rest with the next `flush`. */
    record(providerId: string, tenantId: TenantId, outcome: ProviderOutcome): void {
      const before = known.get(providerId)?.quality ?? neutralQuality(clock.nowMs());
      const observation = { ...observationOf(before, outcome), timeMs: clock.nowMs() };
      const updated = core.updateQuality(before, observation, HALF_LIFE_MS);
      if (!updated.ok) throw new InvariantError(`an observation was refused: ${updated.reason}`);
      remember({ providerId, tenantId, quality: updated.assessment });
      changed.add(providerId);
      if (outcome.kind !== 'completed') void flush();
    },

    /** What requesters think of a provider has changed. One that isn't in memory is read with it when it comes. */
    rated(providerId: string, rating: ProviderRating): void {
      const assessed = known.get(providerId);
      if (assessed !== undefined) remember(assessed, rating);
    },

    /** Writes what changed since the last time. A failure keeps it for the next. */
    flush,
  };
}
