import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import type { TenantRows } from '../tenants/index.ts';
import type { BootstrapKey, BootstrapStore, Provisioning, ReservedPlace } from './bootstrap-types.ts';
import { PROVISIONING_MS } from './limits.ts';
import type { WorldType } from './types.ts';

interface KeyRow {
  id: string;
  tenant_id: TenantId;
  network_id: NetworkId;
  name: string;
  world_types: WorldType[] | null;
  devices_max: number;
  devices_used: number;
  made_by: AccountId;
  created_at: Date;
  expires_at: Date;
  authority: Uint8Array | null;
}

const toKey = (row: KeyRow): BootstrapKey => ({
  id: row.id,
  tenantId: row.tenant_id,
  networkId: row.network_id,
  name: row.name,
  worldTypes: row.world_types,
  devicesMax: row.devices_max,
  devicesUsed: row.devices_used,
  madeBy: row.made_by,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
  authority: row.authority,
});

interface PlaceRow {
  secret_hash: Uint8Array;
  planned_id: DeviceId;
  device_id: DeviceId | null;
  credentials_sealed: Uint8Array | null;
  reserved_at: Date;
}

/** Keys of fleets in PostgreSQL. */
export function createBootstrapStore(
  database: Database,
  members: Pick<TenantRows, 'findMembership'>,
): BootstrapStore {
  return {
    addKey: (actor, key, keysMax) =>
      database
        .tenant(actor, (sql) => addKey(sql, key, keysMax))
        .catch((error: unknown) => {
          const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
          if (code === '23503' && constraint === 'bootstrap_keys_of_network') return 'network_not_found';
          throw error;
        }),

    listKeys: (actor, after, limit) =>
      database.read(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows = await sql<KeyRow[]>`
          SELECT id, tenant_id, network_id, name, world_types, devices_max, devices_used, made_by, created_at, expires_at, authority
          FROM bootstrap_keys
          WHERE tenant_id = ${actor.tenantId}
            AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toKey);
      }),

    removeKey: (actor, keyId) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`
          DELETE FROM bootstrap_keys WHERE tenant_id = ${actor.tenantId} AND id = ${keyId} RETURNING id`;
        return removed.length > 0;
      }),

    reserve: (provisioning) => database.system('identity', (sql) => reserve(sql, provisioning, members)),

    giveBack: (keyId, deviceId) =>
      database.system('identity', async (sql) => {
        const removed = await sql`
          DELETE FROM bootstrap_devices
          WHERE key_id = ${keyId} AND planned_id = ${deviceId} AND device_id IS NULL RETURNING 1`;
        if (removed.length > 0)
          await sql`UPDATE bootstrap_keys SET devices_used = devices_used - 1 WHERE id = ${keyId}`;
      }),

    fill: (keyId, deviceId, credentialsSealed) =>
      database.system('identity', async (sql) => {
        const filled = await sql`
          UPDATE bootstrap_devices SET device_id = ${deviceId}, credentials_sealed = ${credentialsSealed}
          WHERE key_id = ${keyId} AND planned_id = ${deviceId} RETURNING 1`;
        return filled.length > 0;
      }),

    forgetCredentials: (beforeMs) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE bootstrap_devices SET credentials_sealed = NULL
          WHERE credentials_sealed IS NOT NULL AND reserved_at < ${new Date(beforeMs)}`;
      }),
  };
}

async function addKey(
  sql: Sql,
  key: Parameters<BootstrapStore['addKey']>[1],
  keysMax: number,
): Promise<'added' | 'limit_reached'> {
  // One at a time, or two could both see room for the last.
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`bootstrap_keys:${key.tenantId}`}, 0))`;
  const known = await sql`SELECT id FROM bootstrap_keys WHERE tenant_id = ${key.tenantId} LIMIT ${keysMax}`;
  if (known.length >= keysMax) return 'limit_reached';
  await sql`
    INSERT INTO bootstrap_keys (id, tenant_id, network_id, name, key_hash, world_types, devices_max, made_by, created_at, expires_at, authority)
    VALUES (${key.id}, ${key.tenantId}, ${key.networkId}, ${key.name}, ${key.keyHash},
      ${key.worldTypes === null ? null : [...key.worldTypes]}, ${key.devicesMax}, ${key.madeBy},
      ${new Date(key.createdAtMs)}, ${new Date(key.expiresAtMs)}, ${key.authority})`;
  return 'added';
}

/** Under the lock of the key, so that no more devices use it than may. */
async function reserve(
  sql: Sql,
  { keyHash, hardwareId, deviceId, secretHash, worldType, nowMs }: Provisioning,
  members: Pick<TenantRows, 'findMembership'>,
): Promise<ReservedPlace> {
  const [row] = await sql<KeyRow[]>`
    SELECT * FROM bootstrap_keys WHERE key_hash = ${keyHash} AND expires_at > ${new Date(nowMs)} FOR UPDATE`;
  if (row === undefined) return { kind: 'key_wrong' };
  const key = toKey(row);
  const maker = await members.findMembership(sql, key.tenantId, key.madeBy);
  if (maker === null) return { kind: 'key_wrong' };
  if (key.worldTypes !== null && !key.worldTypes.includes(worldType)) return { kind: 'kind_wrong' };
  if (await wasRemoved(sql, key, hardwareId)) {
    // Who has the key that all devices share takes another id; a certificate names the one that is not to come in any more.
    if (key.authority !== null) return { kind: 'taken' };
    await sql`DELETE FROM bootstrap_devices WHERE key_id = ${key.id} AND hardware_id = ${hardwareId}`;
  }
  const [place] = await sql<PlaceRow[]>`
    SELECT secret_hash, planned_id, device_id, credentials_sealed, reserved_at FROM bootstrap_devices
    WHERE key_id = ${key.id} AND hardware_id = ${hardwareId}`;
  if (place !== undefined)
    return knownPlace(sql, place, { key, maker, hardwareId, deviceId, secretHash, nowMs });
  if (key.devicesUsed >= key.devicesMax) return { kind: 'used_up' };
  await sql`UPDATE bootstrap_keys SET devices_used = devices_used + 1 WHERE id = ${key.id}`;
  await sql`
    INSERT INTO bootstrap_devices (key_id, hardware_id, planned_id, secret_hash, reserved_at)
    VALUES (${key.id}, ${hardwareId}, ${deviceId}, ${secretHash}, ${new Date(nowMs)})`;
  return { kind: 'reserved', key, maker, leftover: null };
}

/** True: the device was registered by this key, or by another one of the same authority, and is there no more. */
async function wasRemoved(sql: Sql, { id, tenantId, authority }: BootstrapKey, hardwareId: string) {
  const removed = await sql`
    SELECT 1 FROM bootstrap_devices place
    WHERE key_id IN (
        SELECT ${id}::uuid
        UNION ALL SELECT id FROM bootstrap_keys WHERE tenant_id = ${tenantId} AND authority = ${authority})
      AND hardware_id = ${hardwareId} AND device_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM devices WHERE devices.id = place.device_id)
    LIMIT 1`;
  return removed.length > 0;
}

async function knownPlace(
  sql: Sql,
  place: PlaceRow,
  asked: Pick<Provisioning, 'hardwareId' | 'deviceId' | 'secretHash' | 'nowMs'> &
    Pick<Extract<ReservedPlace, { kind: 'reserved' }>, 'key' | 'maker'>,
): Promise<ReservedPlace> {
  const { key, maker, hardwareId, deviceId, secretHash, nowMs } = asked;
  // Hashes of 256 random bits: how long comparing takes tells nothing of use.
  if (Buffer.compare(place.secret_hash, secretHash) !== 0) return { kind: 'taken' };
  if (place.credentials_sealed !== null) {
    return { kind: 'known', key, credentialsSealed: place.credentials_sealed };
  }
  if (place.device_id !== null) return { kind: 'taken' };
  if (nowMs - place.reserved_at.getTime() < PROVISIONING_MS) return { kind: 'in_flight' };
  await sql`
    UPDATE bootstrap_devices SET reserved_at = ${new Date(nowMs)}, planned_id = ${deviceId}
    WHERE key_id = ${key.id} AND hardware_id = ${hardwareId}`;
  return { kind: 'reserved', key, maker, leftover: place.planned_id };
}
