import type { Database } from '../../kernel/database.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import type { DiscoveryStore } from './ports.ts';

/** The setting in PostgreSQL. */
export function createDiscoveryStore(database: Database): DiscoveryStore {
  return {
    isOn: (actor, networkId) =>
      database.read(actor, async (sql) => {
        const found = await sql`
          SELECT 1 FROM discovery_networks WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId}`;
        return found.length > 0;
      }),

    save: (actor, networkId, isOn) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        if (isOn) {
          await sql`
            INSERT INTO discovery_networks (network_id, tenant_id) VALUES (${networkId}, ${tenantId})
            ON CONFLICT (network_id) DO NOTHING`;
        } else {
          await sql`DELETE FROM discovery_networks WHERE tenant_id = ${tenantId} AND network_id = ${networkId}`;
        }
      }),

    isOwn: (networkId, deviceId) =>
      database.system('relay', async (sql) => {
        const found = await sql`
          SELECT 1 FROM discovery_devices WHERE network_id = ${networkId} AND device_id = ${deviceId}`;
        return found.length > 0;
      }),

    saveOwn: ({ networkId, tenantId }, deviceId) =>
      database.system('relay', async (sql) => {
        await sql`
          INSERT INTO discovery_devices (network_id, tenant_id, device_id)
          VALUES (${networkId}, ${tenantId}, ${deviceId}) ON CONFLICT (network_id, device_id) DO NOTHING`;
      }),

    listOn: () =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ network_id: NetworkId; tenant_id: TenantId }[]>`
          SELECT network_id, tenant_id FROM discovery_networks`;
        return rows.map((row) => ({ networkId: row.network_id, tenantId: row.tenant_id }));
      }),
  };
}
