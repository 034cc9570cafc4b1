import type { AccountActor, CredentialScope } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { CredentialId, DeviceId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import { spentColumns } from './key-spending.postgres.ts';
import type { AccountStore } from './ports.ts';
import { insertOwnToken } from './tokens.postgres.ts';
import type { ApiKey } from './types.ts';

/** What limits an API key, as a row of `api_keys` has it. */
export interface ApiKeyRow {
  operations: string[];
  models: string[] | null;
  device_ids: DeviceId[] | null;
  spend_microcents_max: bigint | null;
}

/** The scope in a row. */
export const toScope = (row: ApiKeyRow): CredentialScope => ({
  operations: row.operations,
  models: row.models,
  deviceIds: row.device_ids,
  spendMicrocentsMax: row.spend_microcents_max,
});

interface ListedRow extends ApiKeyRow {
  id: CredentialId;
  name: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  spent_microcents: bigint;
  day_microcents_max: bigint | null;
  month_microcents_max: bigint | null;
  day_spent: bigint;
  month_spent: bigint;
  held_microcents: bigint;
}

const toApiKey = (row: ListedRow): ApiKey => ({
  id: row.id,
  name: row.name,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at?.getTime() ?? null,
  lastUsedAtMs: row.last_used_at?.getTime() ?? null,
  scope: toScope(row),
  limits: { dayMicrocentsMax: row.day_microcents_max, monthMicrocentsMax: row.month_microcents_max },
  spentMicrocents: row.spent_microcents,
  daySpentMicrocents: row.day_spent,
  monthSpentMicrocents: row.month_spent,
  heldMicrocents: row.held_microcents,
});

async function insertLimits(
  sql: Sql,
  { accountId, tenantId }: AccountActor,
  credentialId: CredentialId,
  { scope, limits }: Pick<ApiKey, 'scope' | 'limits'>,
): Promise<void> {
  const { operations, models, deviceIds, spendMicrocentsMax } = scope;
  await sql`
    INSERT INTO api_keys (credential_id, account_id, tenant_id, operations, models, device_ids, spend_microcents_max,
      day_microcents_max, month_microcents_max)
    VALUES (${credentialId}, ${accountId}, ${tenantId}, ${[...operations]}::text[],
      ${models === null ? null : [...models]}::text[], ${deviceIds === null ? null : [...deviceIds]}::uuid[],
      ${spendMicrocentsMax}, ${limits.dayMicrocentsMax}, ${limits.monthMicrocentsMax})`;
}

async function selectApiKeys(
  sql: Sql,
  { accountId, tenantId }: AccountActor,
  after: ListPosition<CredentialId> | null,
  limit: number,
  nowMs: number,
): Promise<ApiKey[]> {
  const { at, id } = sqlPosition(after);
  const rows = await sql<ListedRow[]>`
    SELECT id, name, created_at, expires_at, last_used_at, operations, models, device_ids, spend_microcents_max,
      spent_microcents, day_microcents_max, month_microcents_max, ${spentColumns(sql, nowMs)}, (
        SELECT coalesce(sum(held_microcents), 0)::bigint FROM api_key_holds
        WHERE api_key_holds.credential_id = api_keys.credential_id) AS held_microcents
    FROM account_tokens JOIN api_keys ON api_keys.credential_id = account_tokens.id
    WHERE account_tokens.account_id = ${accountId} AND api_keys.tenant_id = ${tenantId}
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toApiKey);
}

/** The part of the accounts' store about API keys. */
export function createApiKeyRows(database: Database): Pick<AccountStore, 'addApiKey' | 'listApiKeys'> {
  return {
    addApiKey: (actor, token, key, tokensMax) =>
      database.tenant(actor, async (sql) => {
        const outcome = await insertOwnToken(sql, actor, token, tokensMax);
        if (outcome === 'added') await insertLimits(sql, actor, token.id, key);
        return outcome;
      }),

    listApiKeys: (actor, after, limit, nowMs) =>
      database.tenant(actor, (sql) => selectApiKeys(sql, actor, after, limit, nowMs)),
  };
}
