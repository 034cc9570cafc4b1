import type { Database } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { DeviceCapabilities } from './types.ts';

/** A device as the server itself knows it, and the networks that it belongs to with their owners. */
export interface DeviceDescription {
  readonly deviceId: DeviceId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly capabilities: DeviceCapabilities | null;
  readonly networks: readonly { readonly networkId: NetworkId; readonly tenantId: TenantId }[];
}

interface DescriptionRow {
  id: DeviceId;
  tenant_id: TenantId;
  name: string;
  capabilities: DeviceCapabilities | null;
  network_ids: NetworkId[];
  network_tenant_ids: TenantId[];
}

/** Those of the devices that there are, whoever they belong to. */
export function describeDevices(
  database: Database,
  deviceIds: readonly DeviceId[],
): Promise<DeviceDescription[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<DescriptionRow[]>`
      SELECT devices.id, devices.tenant_id, name, capabilities,
        coalesce(array_agg(network_id ORDER BY network_id) FILTER (WHERE network_id IS NOT NULL), '{}') AS network_ids,
        coalesce(array_agg(network_members.tenant_id ORDER BY network_id) FILTER (WHERE network_id IS NOT NULL), '{}')
          AS network_tenant_ids
      FROM devices LEFT JOIN network_members ON device_id = devices.id
      WHERE devices.id = ANY (${[...deviceIds]}::uuid[])
      GROUP BY devices.id, devices.tenant_id, name, capabilities`;
    return rows.map(({ id, tenant_id, name, capabilities, network_ids, network_tenant_ids }) => ({
      deviceId: id,
      tenantId: tenant_id,
      name,
      capabilities,
      networks: network_ids.map((networkId, index) => ({
        networkId,
        tenantId: network_tenant_ids[index] as TenantId,
      })),
    }));
  });
}

/** The devices of a network. */
export function listDevicesOf(database: Database, networkId: NetworkId): Promise<DeviceId[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<{ device_id: DeviceId }[]>`
      SELECT device_id FROM network_members WHERE network_id = ${networkId} ORDER BY device_id`;
    return rows.map((row) => row.device_id);
  });
}
