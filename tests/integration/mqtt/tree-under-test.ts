import { randomUUID } from 'node:crypto';
import type { TreeOwner } from '../../../server/domains/topics/index.ts';
import { asId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { serverFor } from '../../support/actors.ts';
import type { TestDatabase } from '../../support/database.ts';

/** A new network of a tenant of its own. */
export async function addNetwork({ database }: TestDatabase): Promise<TreeOwner> {
  const tenantId = asId<TenantId>(randomUUID());
  const networkId = asId<NetworkId>(randomUUID());
  await database.system('identity', (sql) => sql`INSERT INTO tenants (id) VALUES (${tenantId})`);
  await database.tenant(
    serverFor(tenantId),
    (sql) => sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${tenantId}, 'Home')`,
  );
  return { tenantId, networkId };
}
