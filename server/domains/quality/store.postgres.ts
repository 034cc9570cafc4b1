import type { Database } from '../../kernel/database.ts';
import type { QualityStore } from './service.ts';

/** Assessments in PostgreSQL, one row a provider. */
export function createQualityStore(database: Database): QualityStore {
  return {
    find: (providerId) =>
      database.system('money', async (sql) => {
        const [row] = await sql<
          {
            quality: number;
            latency: number;
            availability: number;
            combined: number;
            weight: number;
            last_at: Date;
            rating_voices: number;
            rating_stars: number;
          }[]
        >`SELECT * FROM quality_providers WHERE provider_id = ${providerId}`;
        if (!row) return null;
        const { last_at, quality, latency, availability, combined, weight } = row;
        const rating = { voices: row.rating_voices, stars: row.rating_stars };
        return { quality, latency, availability, combined, weight, lastTimeMs: last_at.getTime(), rating };
      }),
    save: async (assessed) => {
      const rows = assessed.map(({ providerId, tenantId, quality }) => ({
        providerId,
        tenantId,
        ...quality,
        lastAt: new Date(quality.lastTimeMs),
      }));
      await database.system(
        'money',
        (sql) => sql`
          INSERT INTO quality_providers (provider_id, tenant_id, quality, latency, availability, combined, weight,
            last_at)
          SELECT "providerId", "tenantId", quality, latency, availability, combined, weight, "lastAt"
          FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row("providerId" uuid, "tenantId" uuid,
            quality float8, latency float8, availability float8, combined float8, weight float8, "lastAt" timestamptz)
          ORDER BY "providerId"
          ON CONFLICT (provider_id) DO UPDATE SET quality = excluded.quality, latency = excluded.latency,
            availability = excluded.availability, combined = excluded.combined, weight = excluded.weight,
            last_at = excluded.last_at`,
      );
    },
  };
}
