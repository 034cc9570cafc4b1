import type { KeptReading } from '../../../server/domains/readings/types.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import {
  type AccountId,
  asId,
  type DeviceId,
  type NetworkId,
  type TenantId,
} from '../../../server/kernel/ids.ts';
import { serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import type { TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';

/** Whose readings are kept. */
export interface Home {
  readonly owner: AccountActor;
  readonly source: { networkId: NetworkId; tenantId: TenantId; deviceId: DeviceId };
}

let ids = 0;

/** A tenant with an owner, a network and a device in it. */
export async function addHome(testDatabase: TestDatabase): Promise<Home> {
  const [tenantId, accountId, networkId, deviceId] = [1, 2, 3, 4].map(() => uuid(90_000 + ++ids)) as [
    TenantId,
    AccountId,
    NetworkId,
    DeviceId,
  ];
  await testDatabase.database.system('identity', async (sql) => {
    await sql`INSERT INTO tenants (id) VALUES (${tenantId})`;
    await sql`INSERT INTO accounts (id, home_tenant_id, name) VALUES (${accountId}, ${tenantId}, 'Owner')`;
    await sql`
      INSERT INTO memberships (tenant_id, account_id, role, all_networks)
      VALUES (${tenantId}, ${accountId}, 'owner', true)`;
  });
  await testDatabase.database.tenant(serverFor(tenantId), async (sql) => {
    await sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${tenantId}, 'Home')`;
    await sql`
      INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${deviceId}, ${tenantId}, 'Device', 'jotunheim', ${deviceId},
        ${Buffer.from(deviceId.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`;
    await sql`
      INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
      VALUES (${tenantId}, ${networkId}, ${tenantId}, ${deviceId})`;
  });
  const owner = {
    kind: 'account',
    tenantId,
    accountId,
    credentialId: TEST_CREDENTIAL_ID,
    role: 'owner',
    networkIds: null,
    operator: false,
  } as const;
  return { owner, source: { networkId, tenantId, deviceId: asId<DeviceId>(deviceId) } };
}

/** A reading of a home's device. */
export const readingOf = (
  { source }: Home,
  atMs: number,
  changes: Partial<KeptReading> = {},
): KeptReading => ({
  ...source,
  name: 't',
  value: 1,
  unit: '',
  atMs,
  ...changes,
});
