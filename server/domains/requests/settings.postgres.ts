import type { Database } from '../../kernel/database.ts';
import type { SettingsStore } from './ports.ts';
import type { ProviderPreferences } from './preferences.ts';
import { NO_SETTINGS, type RequestSettings } from './settings.ts';

interface SettingsRow {
  models: string[];
  only_providers: string[] | null;
  ignored_providers: string[];
  provider_order: string[];
  allows_others: boolean;
  sort: ProviderPreferences['sort'];
  prompt_price_max: bigint | null;
  completion_price_max: bigint | null;
  cost_microcents_max: bigint | null;
}

/** The settings of accounts in PostgreSQL, in each of their tenants; each sees and changes its own. */
export function createSettingsStore(database: Database): SettingsStore {
  return {
    async find(actor) {
      const [row] = await database.read(
        actor,
        (sql) => sql<SettingsRow[]>`
          SELECT models, only_providers, ignored_providers, provider_order, allows_others, sort, prompt_price_max,
            completion_price_max, cost_microcents_max
          FROM account_request_settings
          WHERE tenant_id = ${actor.tenantId} AND account_id = ${actor.accountId}`,
      );
      return row === undefined ? NO_SETTINGS : toSettings(row);
    },

    save: (actor, { models, preferences: by, costMicrocentsMax }) =>
      database.tenant(actor, async (sql) => {
        await sql`
          INSERT INTO account_request_settings (tenant_id, account_id, models, only_providers, ignored_providers,
            provider_order, allows_others, sort, prompt_price_max, completion_price_max, cost_microcents_max)
          VALUES (${actor.tenantId}, ${actor.accountId}, ${[...models]}::text[], ${by.only === null ? null : [...by.only]}::text[],
            ${[...by.ignore]}::text[], ${[...by.order]}::text[], ${by.allowsOthers}, ${by.sort}, ${by.promptPriceMax},
            ${by.completionPriceMax}, ${costMicrocentsMax})
          ON CONFLICT (tenant_id, account_id) DO UPDATE SET
            models = excluded.models, only_providers = excluded.only_providers,
            ignored_providers = excluded.ignored_providers, provider_order = excluded.provider_order,
            allows_others = excluded.allows_others, sort = excluded.sort, prompt_price_max = excluded.prompt_price_max,
            completion_price_max = excluded.completion_price_max, cost_microcents_max = excluded.cost_microcents_max`;
      }),
  };
}

function toSettings(row: SettingsRow): RequestSettings {
  return {
    models: row.models,
    preferences: {
      only: row.only_providers,
      ignore: row.ignored_providers,
      order: row.provider_order,
      allowsOthers: row.allows_others,
      sort: row.sort,
      promptPriceMax: row.prompt_price_max,
      completionPriceMax: row.completion_price_max,
    },
    costMicrocentsMax: row.cost_microcents_max,
  };
}
