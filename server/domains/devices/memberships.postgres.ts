import type { DeviceActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

interface DeviceOfNetwork {
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
}

/** Which device belongs to which network, for whoever carries frames between them. */
export interface MembershipStore {
  /** The networks of a device, with the time it joined; null where there is no such device. */
  findMemberships(actor: DeviceActor): Promise<
    | readonly {
        readonly networkId: NetworkId;
        readonly networkTenantId: TenantId;
        readonly joinedAtMs: number;
      }[]
    | null
  >;
  isMember(device: DeviceOfNetwork): Promise<boolean>;
  /** Those of the devices that belong to their networks, asked in the caller's transaction. */
  selectMembers(sql: Sql, devices: readonly DeviceOfNetwork[]): Promise<readonly DeviceOfNetwork[]>;
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

/** Memberships in PostgreSQL. */
export function createMembershipStore(database: Database): MembershipStore {
  return {
    findMemberships: ({ tenantId, deviceId }) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ network_id: NetworkId | null; tenant_id: TenantId; joined_at: Date }[]>`
          SELECT network_id, network_members.tenant_id, joined_at
          FROM devices LEFT JOIN network_members ON network_members.device_id = devices.id
          WHERE devices.id = ${deviceId} AND devices.tenant_id = ${tenantId} ORDER BY network_id`;
        if (rows.length === 0) return null;
        return rows.flatMap((row) =>
          row.network_id === null
            ? []
            : [
                {
                  networkId: row.network_id,
                  networkTenantId: row.tenant_id,
                  joinedAtMs: row.joined_at.getTime(),
                },
              ],
        );
      }),

    isMember: (device) =>
      database.system('identity', async (sql) => (await selectMembers(sql, [device])).length > 0),

    selectMembers,
  };
}
