import type { AccountActor, CredentialScope } from '../../server/kernel/actor.ts';
import type { Database } from '../../server/kernel/database.ts';
import { asId, type CredentialId } from '../../server/kernel/ids.ts';
import type { Microcents } from '../../server/kernel/money.ts';

/** What a key of tests is limited to, where it isn't as most are: for all of OpenAI's operations, with no limit. */
export interface TestKey extends Partial<CredentialScope> {
  readonly dayMicrocentsMax?: Microcents | null;
  readonly monthMicrocentsMax?: Microcents | null;
}

/** The account, acting with a new API key of its own. */
export async function withApiKey(
  database: Database,
  account: AccountActor,
  { dayMicrocentsMax = null, monthMicrocentsMax = null, ...limits }: TestKey = {},
): Promise<AccountActor> {
  const credentialId = asId<CredentialId>(crypto.randomUUID());
  const anything = { operations: ['openai.*'], models: null, deviceIds: null, spendMicrocentsMax: null };
  const scope = { ...anything, ...limits };
  await database.tenant(account, async (sql) => {
    await sql`
      INSERT INTO account_tokens (id, account_id, kind, name, token_hash, created_at)
      VALUES (${credentialId}, ${account.accountId}, 'api_key', 'Key', ${crypto.getRandomValues(new Uint8Array(32))}, now())`;
    await sql`
      INSERT INTO api_keys (credential_id, account_id, tenant_id, operations, spend_microcents_max, day_microcents_max,
        month_microcents_max)
      VALUES (${credentialId}, ${account.accountId}, ${account.tenantId}, ${[...scope.operations]},
        ${scope.spendMicrocentsMax}, ${dayMicrocentsMax}, ${monthMicrocentsMax})`;
  });
  return { ...account, credentialId, scope };
}
