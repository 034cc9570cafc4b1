import type { AccountActor, ServiceActor } from '../../server/kernel/actor.ts';
import type { Database } from '../../server/kernel/database.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../server/kernel/ids.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';

const random = createSystemRandom();

/** What the actors of tests have shown, where it doesn't matter what. */
export const TEST_CREDENTIAL_ID = asId<CredentialId>('00000000-0000-4000-8000-0000000000c1');

/** The server, acting for a whole tenant. */
export const serverFor = (tenantId: TenantId): ServiceActor => ({
  kind: 'service',
  tenantId,
  service: 'test',
});

/** The owner of a tenant of its own; the database knows neither until `addOwner`. */
export function newOwner(operator = false): AccountActor {
  return {
    kind: 'account',
    tenantId: asId<TenantId>(random.uuid()),
    accountId: asId<AccountId>(random.uuid()),
    credentialId: TEST_CREDENTIAL_ID,
    operator,
    role: 'owner',
    networkIds: null,
  };
}

/** Writes the owner with its tenant and membership: the policies ask for it. */
export async function addOwner(
  database: Database,
  { tenantId, accountId, operator }: AccountActor,
): Promise<void> {
  await database.system('identity', async (sql) => {
    await sql`INSERT INTO tenants (id) VALUES (${tenantId})`;
    await sql`
      INSERT INTO accounts (id, home_tenant_id, name, operator) VALUES (${accountId}, ${tenantId}, 'Somebody', ${operator})`;
    await sql`
      INSERT INTO memberships (tenant_id, account_id, role, all_networks)
      VALUES (${tenantId}, ${accountId}, 'owner', true)`;
  });
}

/** An account with a tenant of its own that is an owner of this one, too, acting in this one. */
export async function addColleague(database: Database, { tenantId }: AccountActor): Promise<AccountActor> {
  const colleague = newOwner();
  await addOwner(database, colleague);
  await database.system('identity', async (sql) => {
    await sql`
      INSERT INTO memberships (tenant_id, account_id, role, all_networks)
      VALUES (${tenantId}, ${colleague.accountId}, 'owner', true)`;
  });
  return { ...colleague, tenantId };
}
