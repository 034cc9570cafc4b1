import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, CredentialId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import type { NetworkDeviceRows } from '../networks/index.ts';
import type { BroughtDeviceRows, TenantRows } from '../tenants/index.ts';
import { createCredentialRows } from './credentials.postgres.ts';
import type {
  DeviceFilter,
  DeviceSecrets,
  DeviceStore,
  NextCredentials,
  ReplacedTokens,
  StoredDevice,
} from './ports.ts';
import { type MembershipRow, toMembership } from './rows.ts';
import type { DeviceCapabilities, Membership, WorldType } from './types.ts';

interface DeviceRow {
  id: DeviceId;
  name: string;
  assigned_id: string | null;
  world_type: WorldType;
  guest: boolean;
  network_ids: NetworkId[];
  capabilities: DeviceCapabilities | null;
  last_seen_at: Date | null;
  created_at: Date;
}

const toDevice = (row: DeviceRow): StoredDevice => ({
  id: row.id,
  name: row.name,
  assignedId: row.assigned_id,
  worldType: row.world_type,
  guest: row.guest,
  networkIds: row.network_ids,
  capabilities: row.capabilities,
  lastSeenAtMs: row.last_seen_at?.getTime() ?? null,
  createdAtMs: row.created_at.getTime(),
});

/** What a statement needs to know of who asks. */
const scopeOf = (actor: AccountActor) => ({
  tenantId: actor.tenantId,
  accountId: actor.accountId,
  // A copy that the client takes as a parameter; null: all networks.
  networkIds: actor.networkIds === null ? null : [...actor.networkIds],
});

/** Which part of which devices. */
interface DevicePage extends DeviceFilter {
  readonly deviceId: DeviceId | null;
  readonly after: ListPosition<DeviceId> | null;
  readonly limit: number;
}

/**
 * The devices that the actor sees: those of its tenant, and guests in its tenant's networks, both only in networks that
 * its membership is for; each with those of its networks that the actor sees.
 */
async function selectDevices(sql: Sql, actor: AccountActor, filter: DevicePage): Promise<StoredDevice[]> {
  const { tenantId, accountId, networkIds } = scopeOf(actor);
  const { deviceId, networkId, worldType, assignedId, after, limit } = filter;
  const { at, id } = sqlPosition(after);
  const rows = await sql<DeviceRow[]>`
    WITH memberships_seen AS NOT MATERIALIZED (
      SELECT device_id, network_id FROM network_members
      WHERE (tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])))
        OR (device_tenant_id = ${tenantId} AND account_id = ${accountId})
    ), seen AS (
      SELECT id, name, assigned_id, world_type, false AS guest, capabilities, last_seen_at, created_at FROM devices
      WHERE tenant_id = ${tenantId}
        AND (${networkIds}::uuid[] IS NULL
          OR EXISTS (SELECT FROM memberships_seen WHERE device_id = devices.id))
      UNION ALL
      SELECT id, name, NULL, world_type, true, NULL, NULL, min(joined_at) FROM guest_devices()
      WHERE ${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])
      GROUP BY id, name, world_type
    ), page AS (
      SELECT * FROM seen
      WHERE (${deviceId}::uuid IS NULL OR id = ${deviceId}::uuid)
        AND (${worldType}::text IS NULL OR world_type = ${worldType}::text)
        AND (${assignedId}::text IS NULL OR lower(assigned_id) = lower(${assignedId}::text))
        AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
        AND (${networkId}::uuid IS NULL OR EXISTS (
          SELECT FROM memberships_seen WHERE device_id = seen.id AND network_id = ${networkId}::uuid))
      ORDER BY created_at, id LIMIT ${limit}
    )
    SELECT page.*, ARRAY(
      SELECT network_id FROM memberships_seen WHERE device_id = page.id ORDER BY network_id) AS network_ids
    FROM page ORDER BY created_at, id`;
  return rows.map(toDevice);
}

/**
 * A device of the actor's own tenant, for an actor that sees all of it: what is read most, without what lists ask for besides.
 * Null: the device may still be a guest in the tenant's networks.
 */
async function findOwn(sql: Sql, actor: AccountActor, deviceId: DeviceId): Promise<StoredDevice | null> {
  const { tenantId, accountId } = scopeOf(actor);
  const [row] = await sql<DeviceRow[]>`
    SELECT id, name, assigned_id, world_type, false AS guest, capabilities, last_seen_at, created_at, ARRAY(
      SELECT network_id FROM network_members
      WHERE device_id = devices.id
        AND (tenant_id = ${tenantId} OR (device_tenant_id = ${tenantId} AND account_id = ${accountId}))
      ORDER BY network_id) AS network_ids
    FROM devices WHERE tenant_id = ${tenantId} AND id = ${deviceId}`;
  return row === undefined ? null : toDevice(row);
}

async function findSeen(sql: Sql, actor: AccountActor, deviceId: DeviceId): Promise<StoredDevice | null> {
  const filter = { deviceId, networkId: null, worldType: null, assignedId: null, after: null, limit: 1 };
  return (await selectDevices(sql, actor, filter))[0] ?? null;
}

/** One at a time for a tenant, or two requests could both see a name free, or room for the last device. */
async function lockDevices(sql: Sql, tenantId: TenantId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`devices:${tenantId}`}, 0))`;
}

/** Devices of the actor's own tenant that it sees: how many, and how many others have this name. */
async function countSeen(sql: Sql, actor: AccountActor, device: { id: DeviceId; name: string }) {
  const { tenantId, networkIds } = scopeOf(actor);
  const [row] = await sql<{ count: bigint; same_name: bigint }[]>`
    SELECT count(*) AS count, count(*) FILTER (WHERE name = ${device.name} AND id <> ${device.id}) AS same_name
    FROM devices
    WHERE tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR EXISTS (
      SELECT FROM network_members
      WHERE tenant_id = ${tenantId} AND device_id = devices.id AND network_id = ANY (${networkIds}::uuid[])))`;
  return { devices: Number(row?.count ?? 0), sameName: Number(row?.same_name ?? 0) };
}

/** A foreign key that found no network, or no membership, any more; every other error is thrown on. */
function networkNotFound(error: unknown): 'network_not_found' {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  const isGone =
    code === '23503' &&
    (constraint === 'network_members_of_network' || constraint === 'network_members_of_member');
  if (isGone) return 'network_not_found';
  throw error;
}

async function insertDevice(
  sql: Sql,
  actor: AccountActor,
  device: StoredDevice & DeviceSecrets & { readonly sessionKey: Uint8Array | null },
  devicesMax: number,
): Promise<'added' | 'limit_reached' | 'name_taken' | 'id_taken'> {
  const { tenantId } = actor;
  await lockDevices(sql, tenantId);
  const seen = await countSeen(sql, actor, device);
  if (seen.devices >= devicesMax) return 'limit_reached';
  if (seen.sameName > 0) return 'name_taken';
  if (await isIdTaken(sql, tenantId, device)) return 'id_taken';
  const createdAt = new Date(device.createdAtMs);
  await sql`
    INSERT INTO devices (id, tenant_id, name, assigned_id, world_type, token_id, token_hash, signing_key_sealed,
      session_key, session_key_token_id, created_at)
    VALUES (${device.id}, ${tenantId}, ${device.name}, ${device.assignedId}, ${device.worldType},
      ${device.tokenId}, ${device.tokenHash}, ${device.signingKeySealed},
      ${device.sessionKey}, ${device.sessionKey === null ? null : device.tokenId}, ${createdAt})`;
  await sql`
    INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id, joined_at)
    SELECT ${tenantId}, network_id, ${tenantId}, ${device.id}, ${createdAt}
    FROM unnest(${[...device.networkIds]}::uuid[]) AS network_id`;
  return 'added';
}

/** Asked under `lockDevices`. Only who sees the whole tenant gives ids: it sees the device that has this one. */
async function isIdTaken(
  sql: Sql,
  tenantId: TenantId,
  { id, assignedId }: Pick<StoredDevice, 'id' | 'assignedId'>,
): Promise<boolean> {
  if (assignedId === null) return false;
  const taken = await sql`
    SELECT 1 FROM devices
    WHERE tenant_id = ${tenantId} AND lower(assigned_id) = lower(${assignedId}::text) AND id <> ${id}`;
  return taken.length > 0;
}

async function updateDevice(
  sql: Sql,
  actor: AccountActor,
  deviceId: DeviceId,
  { name, assignedId }: { readonly name: string; readonly assignedId: string | null | undefined },
): Promise<'changed' | 'name_taken' | 'id_taken' | 'not_found'> {
  const { tenantId } = actor;
  await lockDevices(sql, tenantId);
  const device = await findSeen(sql, actor, deviceId);
  if (device === null || device.guest) return 'not_found';
  const { sameName } = await countSeen(sql, actor, { id: deviceId, name });
  if (sameName > 0) return 'name_taken';
  const newId = assignedId === undefined ? device.assignedId : assignedId;
  if (await isIdTaken(sql, tenantId, { id: deviceId, assignedId: newId })) return 'id_taken';
  await sql`
    UPDATE devices SET name = ${name}, assigned_id = ${newId}
    WHERE tenant_id = ${tenantId} AND id = ${deviceId}`;
  return 'changed';
}

/**
 * The database moves the former token and key aside where they stay good until `previousUntilMs` (trigger keep_previous_credentials):
 * a tenant's role can't read them. `not_found`: the actor sees no such device of its tenant, or may not change it.
 */
async function updateCredentials(
  sql: Sql,
  actor: AccountActor,
  deviceId: DeviceId,
  { tokenId, tokenHash, signingKeySealed, previousUntilMs }: NextCredentials,
): Promise<ReplacedTokens | 'not_found'> {
  const { tenantId } = actor;
  const device = await findSeen(sql, actor, deviceId);
  if (device === null || device.guest) return 'not_found';
  const until = previousUntilMs === null ? null : new Date(previousUntilMs);
  const [row] = await sql<{ previous_token_id: CredentialId; older_token_id: CredentialId | null }[]>`
    WITH before AS (
      SELECT id, token_id, previous_token_id FROM devices
      WHERE tenant_id = ${tenantId} AND id = ${deviceId} FOR UPDATE)
    UPDATE devices SET
      token_id = ${tokenId}, token_hash = ${tokenHash}, previous_until = ${until}
      ${signingKeySealed === null ? sql`` : sql`, signing_key_sealed = ${signingKeySealed}`}
    FROM before WHERE devices.tenant_id = ${tenantId} AND devices.id = before.id
    RETURNING before.token_id AS previous_token_id, before.previous_token_id AS older_token_id`;
  if (row === undefined) return 'not_found';
  return { previousTokenId: row.previous_token_id, olderTokenId: row.older_token_id };
}

async function selectNetworks(
  sql: Sql,
  actor: AccountActor,
  page: { deviceId: DeviceId; after: NetworkId | null; limit: number },
): Promise<Membership[]> {
  const { tenantId, accountId, networkIds } = scopeOf(actor);
  const { deviceId, after, limit } = page;
  const rows = await sql<MembershipRow[]>`
    SELECT network_id, tenant_id, joined_at FROM network_members
    WHERE device_id = ${deviceId}
      AND ((tenant_id = ${tenantId}
          AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])))
        OR (device_tenant_id = ${tenantId} AND account_id = ${accountId}))
      AND (${after}::uuid IS NULL OR network_id > ${after}::uuid)
    ORDER BY network_id LIMIT ${limit}`;
  return rows.map(toMembership);
}

/** Devices in PostgreSQL. `tenants` keeps a membership from ending while a device joins because of it. */
export function createDeviceStore(database: Database, tenants: Pick<TenantRows, 'keepMembers'>): DeviceStore {
  return {
    ...createCredentialRows(database),

    addDevice: (actor, device, secrets, devicesMax) =>
      database
        .tenant(actor, (sql) => insertDevice(sql, actor, { ...device, ...secrets }, devicesMax))
        .catch(networkNotFound),

    async findDevice(actor, deviceId) {
      const own =
        actor.networkIds === null ? await database.read(actor, (sql) => findOwn(sql, actor, deviceId)) : null;
      return own ?? (await database.read(actor, (sql) => findSeen(sql, actor, deviceId)));
    },

    listDevices: (actor, filter, after, limit) =>
      database.read(actor, (sql) => selectDevices(sql, actor, { ...filter, deviceId: null, after, limit })),

    changeDevice: (actor, deviceId, change) =>
      database.tenant(actor, (sql) => updateDevice(sql, actor, deviceId, change)),

    replaceCredentials: (actor, deviceId, token) =>
      database.tenant(actor, (sql) => updateCredentials(sql, actor, deviceId, token)),

    removeDevice: (actor, deviceId) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`
          DELETE FROM devices WHERE tenant_id = ${actor.tenantId} AND id = ${deviceId} RETURNING 1`;
        return removed.length > 0;
      }),

    listNetworks: (actor, deviceId, after, limit) =>
      database.read(actor, (sql) => selectNetworks(sql, actor, { deviceId, after, limit })),

    joinNetwork: (actor, deviceId, membership, { broughtBy, networksMax }) =>
      database
        .tenant(actor, async (sql) => {
          const { networkId, tenantId: networkTenantId } = membership;
          if (broughtBy !== null) {
            await tenants.keepMembers(sql, networkTenantId);
            const [row] = await sql<{ invited: boolean }[]>`
              SELECT is_invited(${networkTenantId}, ${networkId}) AS invited`;
            if (row?.invited !== true) return 'network_not_found';
          }
          await lockDevices(sql, actor.tenantId);
          const found = await findMembershipOf(sql, actor, deviceId, networkId);
          if (found.membership !== null) return { isNew: false, membership: found.membership };
          if (found.count >= networksMax) return 'limit_reached';
          await insertMembership(sql, actor, deviceId, { ...membership, broughtBy });
          return { isNew: true, membership };
        })
        .catch(networkNotFound),

    leaveNetwork: (actor, deviceId, networkId) =>
      database.tenant(actor, async (sql) => {
        const { tenantId, accountId, networkIds } = scopeOf(actor);
        const [removed] = await sql<{ tenant_id: TenantId }[]>`
          DELETE FROM network_members
          WHERE device_id = ${deviceId} AND network_id = ${networkId}
            AND ((tenant_id = ${tenantId}
                AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])))
              OR (device_tenant_id = ${tenantId} AND account_id = ${accountId}))
          RETURNING tenant_id`;
        return removed?.tenant_id ?? null;
      }),
  };
}

/** What other stores ask of a device's networks in their own transactions. */
export function createDeviceRows(): BroughtDeviceRows & NetworkDeviceRows {
  return {
    listWithin: async (sql, { tenantId, networkId }) => {
      const rows = await sql<{ device_id: DeviceId }[]>`
        SELECT device_id FROM network_members WHERE tenant_id = ${tenantId} AND network_id = ${networkId}`;
      return rows.map((row) => row.device_id);
    },

    leaveWithin: async (sql, { tenantId, accountId }, keptNetworkIds) => {
      if (keptNetworkIds === null) return [];
      const rows = await sql<{ device_id: DeviceId; network_id: NetworkId }[]>`
        DELETE FROM network_members
        WHERE tenant_id = ${tenantId} AND account_id = ${accountId}
          AND network_id <> ALL (${[...keptNetworkIds]}::uuid[])
        RETURNING device_id, network_id`;
      return rows.map((row) => ({ deviceId: row.device_id, networkId: row.network_id }));
    },
  };
}

/** A device's membership of one network, and of how many it is a member, as far as the actor sees. */
async function findMembershipOf(sql: Sql, actor: AccountActor, deviceId: DeviceId, networkId: NetworkId) {
  const { tenantId, accountId } = scopeOf(actor);
  const rows = await sql<MembershipRow[]>`
    SELECT network_id, tenant_id, joined_at FROM network_members
    WHERE device_id = ${deviceId} AND device_tenant_id = ${tenantId}
      AND (tenant_id = ${tenantId} OR account_id = ${accountId})`;
  const found = rows.find((row) => row.network_id === networkId);
  return { membership: found === undefined ? null : toMembership(found), count: rows.length };
}

async function insertMembership(
  sql: Sql,
  actor: AccountActor,
  deviceId: DeviceId,
  membership: {
    networkId: NetworkId;
    tenantId: TenantId;
    joinedAtMs: number;
    broughtBy: AccountId | null;
  },
): Promise<void> {
  const { networkId, tenantId, joinedAtMs, broughtBy } = membership;
  // Another account of the tenant may have brought it there already: then it is there, which is what was asked for.
  await sql`
    INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id, account_id, joined_at)
    VALUES (${tenantId}, ${networkId}, ${actor.tenantId}, ${deviceId}, ${broughtBy}, ${new Date(joinedAtMs)})
    ON CONFLICT (network_id, device_id) DO NOTHING`;
}
