import type { DeviceActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { gather } from '../../kernel/gather.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { CONNECTING_MAX } from './limits.ts';
import type { DeviceCapabilities } from './types.ts';

interface DeviceOfNetwork {
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
}

/** A network of a device, who owns it, and since when the device belongs there. */
interface MembershipOfDevice {
  readonly networkId: NetworkId;
  readonly networkTenantId: TenantId;
  readonly joinedAtMs: number;
}

/** Which device belongs to which network, for whoever carries frames between them. */
export interface MembershipStore {
  /** The networks of a device, with the time it joined; null where there is no such device. */
  findMemberships(actor: DeviceActor): Promise<readonly MembershipOfDevice[] | null>;
  isMember(device: DeviceOfNetwork): Promise<boolean>;
  /** Those of the devices that belong to their networks, asked in the caller's transaction. */
  selectMembers(sql: Sql, devices: readonly DeviceOfNetwork[]): Promise<readonly DeviceOfNetwork[]>;
  /** What a device said it can do; null: nothing, or there is none. */
  findCapabilities(deviceId: DeviceId): Promise<DeviceCapabilities | null>;
  /** All devices of a network, asked in the caller's transaction. */
  selectReaders(sql: Sql, networkId: NetworkId): Promise<readonly DeviceId[]>;
}

async function selectMembers(sql: Sql, devices: readonly DeviceOfNetwork[]): Promise<DeviceOfNetwork[]> {
  const rows = await sql<{ network_id: NetworkId; device_id: DeviceId }[]>`
    SELECT DISTINCT network_members.network_id, network_members.device_id
    FROM unnest(
        ${devices.map(({ networkId }) => networkId)}::uuid[],
        ${devices.map(({ deviceId }) => deviceId)}::uuid[]) AS wanted (network_id, device_id)
      JOIN network_members USING (network_id, device_id)`;
  return rows.map((row) => ({ networkId: row.network_id, deviceId: row.device_id }));
}

/** The networks of each of these devices, in their order. */
async function selectMemberships(
  sql: Sql,
  actors: readonly DeviceActor[],
): Promise<(MembershipOfDevice[] | null)[]> {
  const rows = await sql<
    { device_id: DeviceId; network_id: NetworkId | null; tenant_id: TenantId; joined_at: Date }[]
  >`
    SELECT devices.id AS device_id, network_id, network_members.tenant_id, joined_at
    FROM (
        SELECT DISTINCT * FROM unnest(
          ${actors.map(({ deviceId }) => deviceId)}::uuid[],
          ${actors.map(({ tenantId }) => tenantId)}::uuid[]) AS asked (device_id, tenant_id)
      ) AS wanted
      JOIN devices ON devices.id = wanted.device_id AND devices.tenant_id = wanted.tenant_id
      LEFT JOIN network_members ON network_members.device_id = devices.id
    ORDER BY network_id`;
  const found = new Map<DeviceId, MembershipOfDevice[]>();
  for (const row of rows) {
    const ofDevice = found.get(row.device_id) ?? [];
    found.set(row.device_id, ofDevice);
    if (row.network_id === null) continue;
    ofDevice.push({
      networkId: row.network_id,
      networkTenantId: row.tenant_id,
      joinedAtMs: row.joined_at.getTime(),
    });
  }
  return actors.map(({ deviceId }) => found.get(deviceId) ?? null);
}

/** Memberships in PostgreSQL. */
export function createMembershipStore(database: Database): MembershipStore {
  const findMemberships = gather(
    (actors: readonly DeviceActor[]) => database.system('identity', (sql) => selectMemberships(sql, actors)),
    CONNECTING_MAX,
  );
  return {
    findMemberships: (actor) => findMemberships(actor),

    isMember: (device) =>
      database.system('identity', async (sql) => (await selectMembers(sql, [device])).length > 0),

    findCapabilities: (deviceId) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ capabilities: DeviceCapabilities | null }[]>`
          SELECT capabilities FROM devices WHERE id = ${deviceId}`;
        return row?.capabilities ?? null;
      }),

    selectMembers,

    selectReaders: async (sql, networkId) => {
      const rows = await sql<{ device_id: DeviceId }[]>`
        SELECT device_id FROM network_members WHERE network_id = ${networkId}`;
      return rows.map((row) => row.device_id);
    },
  };
}
