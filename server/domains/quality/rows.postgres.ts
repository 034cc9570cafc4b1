import type { Sql } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { neutralQuality } from './rules.ts';
import type { ProviderRating } from './types.ts';

/** Writes what is thought of providers, in the transaction of the rating. */
export const ratedProviders = {
  async write(
    sql: Sql,
    rated: readonly {
      readonly providerId: string;
      readonly tenantId: TenantId;
      readonly rating: ProviderRating;
    }[],
    nowMs: number,
  ): Promise<void> {
    const { quality, latency, availability, combined, weight } = neutralQuality(nowMs);
    for (const { providerId, tenantId, rating } of rated) {
      await sql`
        INSERT INTO quality_providers (provider_id, tenant_id, quality, latency, availability, combined, weight, last_at,
          rating_voices, rating_stars)
        VALUES (${providerId}, ${tenantId}, ${quality}, ${latency}, ${availability}, ${combined}, ${weight},
          ${new Date(nowMs)}, ${rating.voices}, ${rating.stars})
        ON CONFLICT (provider_id) DO UPDATE SET rating_voices = excluded.rating_voices, rating_stars = excluded.rating_stars`;
    }
  },
};
