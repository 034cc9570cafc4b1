import type { Database } from '../../kernel/database.ts';
import type { ProviderStore } from './ports.ts';

/** Offers in PostgreSQL. The server writes them; a tenant reads its own. */
export function createProviderStore(database: Database): ProviderStore {
  return {
    saveOffer: ({ deviceId, tenantId }, { models, slots }, id, nowMs) =>
      database.system('money', async (sql) => {
        await sql`
          INSERT INTO marketplace_providers (id, tenant_id, device_id, slots, offered_at)
          VALUES (${id}, ${tenantId}, ${deviceId}, ${slots}, ${new Date(nowMs)})
          ON CONFLICT (device_id) DO UPDATE SET slots = excluded.slots, offered_at = excluded.offered_at,
            tenant_id = excluded.tenant_id`;
        const offered = models.map(({ name, contextTokens, prices }) => ({
          name,
          contextTokens,
          prompt: prices.prompt.toString(),
          cachedPrompt: prices.cachedPrompt.toString(),
          completion: prices.completion.toString(),
        }));
        await sql`DELETE FROM marketplace_models WHERE provider_id = ${id} AND tenant_id = ${tenantId}`;
        await sql`
          INSERT INTO marketplace_models (provider_id, tenant_id, name, context_tokens,
            prompt_microcents_per_1000_tokens, cached_prompt_microcents_per_1000_tokens,
            completion_microcents_per_1000_tokens)
          SELECT ${id}::uuid, ${tenantId}::uuid, name, "contextTokens", prompt, "cachedPrompt", completion
          FROM jsonb_to_recordset(${JSON.stringify(offered)}::text::jsonb)
            AS row(name text, "contextTokens" integer, prompt bigint, "cachedPrompt" bigint, completion bigint)`;
      }),
  };
}
