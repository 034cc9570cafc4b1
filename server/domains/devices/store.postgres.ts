import type { Database } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { DeviceStore, StoredDevice } from './ports.ts';
import type { DeviceCapabilities, WorldType } from './types.ts';

interface DeviceRow {
  id: DeviceId;
  tenant_id: TenantId;
  name: string;
  world_type: WorldType;
  network_ids: NetworkId[];
  capabilities: DeviceCapabilities | null;
  last_seen_at: Date | null;
  created_at: Date;
}

interface CredentialRow {
  id: DeviceId;
  tenant_id: TenantId;
  signing_key_sealed: Uint8Array;
  network_id: NetworkId | null;
  joined_at: Date | null;
}

const toDevice = (row: DeviceRow): StoredDevice => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  worldType: row.world_type,
  networkIds: row.network_ids,
  capabilities: row.capabilities,
  lastSeenAt: row.last_seen_at,
  createdAt: row.created_at,
});

/** Devices in PostgreSQL. */
export function createDeviceStore(database: Database): DeviceStore {
  return {
    addDevice: (device, networkId, secrets, devicesMax) =>
      database.tenant(device.tenantId, async (sql) => {
        // One at a time for a tenant, or two requests could both see room for the last device.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`devices:${device.tenantId}`}, 0))`;
        const [count] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM devices`;
        if (count === undefined || count.count >= BigInt(devicesMax)) return 'limit_reached';
        const added = await sql`
          INSERT INTO devices
            (id, tenant_id, name, world_type, token_hash, signing_key_sealed, created_at)
          VALUES
            (${device.id}, ${device.tenantId}, ${device.name}, ${device.worldType},
             ${secrets.tokenHash}, ${secrets.signingKeySealed}, ${device.createdAt})
          ON CONFLICT ON CONSTRAINT devices_name_taken DO NOTHING RETURNING 1`;
        if (added.length === 0) return 'name_taken';
        await sql`
          INSERT INTO network_members (tenant_id, network_id, device_id, joined_at)
          VALUES (${device.tenantId}, ${networkId}, ${device.id}, ${device.createdAt})`;
        return 'added';
      }),

    findDevice: (tenantId, deviceId) =>
      database.tenant(tenantId, async (sql) => {
        const [row] = await sql<DeviceRow[]>`
          SELECT devices.*, ARRAY(
            SELECT network_id FROM network_members WHERE device_id = devices.id ORDER BY network_id
          ) AS network_ids
          FROM devices WHERE id = ${deviceId}`;
        return row === undefined ? null : toDevice(row);
      }),

    listDevices: (tenantId, networkId, after, limit) =>
      database.tenant(tenantId, async (sql) => {
        const rows = await sql<DeviceRow[]>`
          SELECT devices.*, ARRAY(
            SELECT network_id FROM network_members WHERE device_id = devices.id ORDER BY network_id
          ) AS network_ids
          FROM devices
          WHERE (${after}::uuid IS NULL
              OR (created_at, id) > (SELECT created_at, id FROM devices WHERE id = ${after}::uuid))
            AND (${networkId}::uuid IS NULL OR EXISTS (
              SELECT 1 FROM network_members WHERE device_id = devices.id AND network_id = ${networkId}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toDevice);
      }),

    removeDevice: (tenantId, deviceId) =>
      database.tenant(tenantId, async (sql) => {
        const removed = await sql`DELETE FROM devices WHERE id = ${deviceId} RETURNING 1`;
        return removed.length > 0;
      }),

    saveCapabilities: (tenantId, deviceId, capabilities) =>
      database.tenant(tenantId, async (sql) => {
        await sql`
          UPDATE devices SET capabilities = ${sql.json({ ...capabilities })} WHERE id = ${deviceId}`;
      }),

    saveLastSeen: (tenantId, deviceId, at) =>
      database.tenant(tenantId, async (sql) => {
        await sql`UPDATE devices SET last_seen_at = ${at} WHERE id = ${deviceId}`;
      }),

    findByToken: (tokenHash) =>
      database.system('identity', async (sql) => {
        const rows = await sql<CredentialRow[]>`
          SELECT devices.id, devices.tenant_id, signing_key_sealed, network_id, joined_at
          FROM devices LEFT JOIN network_members ON network_members.device_id = devices.id
          WHERE token_hash = ${tokenHash} ORDER BY network_id`;
        const [row] = rows;
        if (row === undefined) return null;
        return {
          actor: { kind: 'device', tenantId: row.tenant_id, deviceId: row.id },
          memberships: rows.flatMap(({ network_id, joined_at }) =>
            network_id === null || joined_at === null ? [] : [{ networkId: network_id, joinedAt: joined_at }],
          ),
          signingKeySealed: row.signing_key_sealed,
        };
      }),

    findAnySealedKey: () =>
      database.system('identity', async (sql) => {
        const [row] = await sql<CredentialRow[]>`
          SELECT id, tenant_id, signing_key_sealed FROM devices LIMIT 1`;
        if (row === undefined) return null;
        return { tenantId: row.tenant_id, deviceId: row.id, signingKeySealed: row.signing_key_sealed };
      }),

    isMember: (tenantId, networkId, deviceId) =>
      database.tenant(tenantId, async (sql) => {
        const rows = await sql`
          SELECT 1 FROM network_members WHERE network_id = ${networkId} AND device_id = ${deviceId}`;
        return rows.length > 0;
      }),
  };
}
