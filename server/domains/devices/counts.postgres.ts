import type { Database } from '../../kernel/database.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';

/** How many devices there are, whoever they belong to. */
export function countDevices(database: Database): Promise<number> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM devices`;
    return Number(row?.count ?? 0);
  });
}

/** The devices of others in the networks of a tenant. */
export function findGuests(database: Database, tenantId: TenantId): Promise<readonly DeviceId[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<{ device_id: DeviceId }[]>`
      SELECT DISTINCT device_id FROM network_members
      WHERE tenant_id = ${tenantId} AND device_tenant_id <> ${tenantId}`;
    return rows.map((row) => row.device_id);
  });
}
