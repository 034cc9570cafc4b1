import type { Database } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { DeviceCapabilities, WorldType } from './types.ts';

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

/** Who a device is, for whom it asks something. */
export interface DeviceIdentification {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly kind: WorldType;
  readonly tenantId: TenantId;
  /** The public key with which it opens sessions of Ratatoskr; null: it never did. */
  readonly sessionKey: Uint8Array | null;
}

/** Who a device is, whoever it belongs to; null: it is gone. */
export function identifyDevice(database: Database, deviceId: DeviceId): Promise<DeviceIdentification | null> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<
      { tenant_id: TenantId; name: string; world_type: WorldType; session_key: Uint8Array | null }[]
    >`SELECT tenant_id, name, world_type, session_key FROM devices WHERE id = ${deviceId}`;
    if (row === undefined) return null;
    return {
      deviceId,
      tenantId: row.tenant_id,
      name: row.name,
      kind: row.world_type,
      sessionKey: row.session_key,
    };
  });
}

/** A device of a network, whose it is, and the key that others seal for. */
export interface OwnedDevice {
  readonly deviceId: DeviceId;
  readonly tenantId: TenantId;
  /** Base64url; null: it has none. */
  readonly sealKey: string | null;
}

/** Devices of a network behind `after`, in the order of their ids, or the one that is asked for. */
export function pageDevicesOf(
  database: Database,
  networkId: NetworkId,
  { deviceId, after, limit }: { deviceId: DeviceId | null; after: DeviceId | null; limit: number },
): Promise<OwnedDevice[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<{ device_id: DeviceId; device_tenant_id: TenantId; seal_key: string | null }[]>`
      SELECT device_id, device_tenant_id, capabilities->>'sealKey' AS seal_key
      FROM network_members JOIN devices ON devices.id = device_id
      WHERE network_id = ${networkId} AND (${deviceId}::uuid IS NULL OR device_id = ${deviceId}::uuid)
        AND (${after}::uuid IS NULL OR device_id > ${after}::uuid)
      ORDER BY device_id LIMIT ${limit}`;
    return rows.map((row) => ({
      deviceId: row.device_id,
      tenantId: row.device_tenant_id,
      sealKey: row.seal_key,
    }));
  });
}
