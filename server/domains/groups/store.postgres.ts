import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import { GROUP_MEMBERS_MAX, NETWORK_GROUPS_MAX, NETWORK_MEMBERS_MAX } from './limits.ts';
import type { GroupOfNetwork, GroupStore, StoredMember } from './ports.ts';
import type { DeviceGroup } from './types.ts';

interface GroupRow {
  id: string;
  network_id: NetworkId;
  name: string;
  created_at: Date;
  members: bigint;
}

const toGroup = (row: GroupRow): DeviceGroup => ({
  id: row.id,
  networkId: row.network_id,
  name: row.name,
  createdAtMs: row.created_at.getTime(),
  members: Number(row.members),
});

interface MemberRow {
  group_id: string;
  network_id: NetworkId;
  device_id: DeviceId;
  joined_offset: bigint;
}

const toMember = (row: MemberRow): StoredMember => ({
  groupId: row.group_id,
  networkId: row.network_id,
  deviceId: row.device_id,
  joinedOffset: Number(row.joined_offset),
});

/** The members of all groups of a network, asked in a transaction of the relay. */
interface MemberLookup {
  selectMembers(sql: Sql, networkId: NetworkId): Promise<readonly StoredMember[]>;
}

/** Groups in PostgreSQL. */
export function createGroupStore(database: Database): GroupStore & MemberLookup {
  return { ...groupStatements(database), ...memberStatements(database), selectMembers };
}

function groupStatements(
  database: Database,
): Pick<GroupStore, 'add' | 'find' | 'list' | 'rename' | 'remove' | 'readGroups'> {
  return {
    add: (actor, { id, networkId, name, createdAtMs }) =>
      database.tenant(actor, async (sql) => {
        await lockGroups(sql, networkId);
        const [count] = await sql<{ count: bigint }[]>`
          SELECT count(*) AS count FROM device_groups WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId}`;
        if (count === undefined || count.count >= BigInt(NETWORK_GROUPS_MAX)) return 'limit_reached';
        const added = await sql`
          INSERT INTO device_groups (id, network_id, tenant_id, name, created_at)
          VALUES (${id}, ${networkId}, ${actor.tenantId}, ${name}, ${new Date(createdAtMs)})
          ON CONFLICT ON CONSTRAINT device_groups_name_taken DO NOTHING RETURNING 1`;
        return added.length > 0 ? 'added' : 'name_taken';
      }),

    find: (actor, { networkId, groupId }) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<GroupRow[]>`
          SELECT *, (SELECT count(*) FROM device_group_members WHERE group_id = device_groups.id) AS members
          FROM device_groups WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND id = ${groupId}`;
        return row === undefined ? null : toGroup(row);
      }),

    list: (actor, networkId, after, limit) =>
      database.read(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows = await sql<GroupRow[]>`
          SELECT *, (SELECT count(*) FROM device_group_members WHERE group_id = device_groups.id) AS members
          FROM device_groups
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId}
            AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toGroup);
      }),

    rename: (actor, { networkId, groupId }, name) =>
      database.tenant(actor, async (sql) => {
        await lockGroups(sql, networkId);
        const taken = await sql`
          SELECT 1 FROM device_groups
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND name = ${name} AND id <> ${groupId}`;
        if (taken.length > 0) return 'name_taken';
        const renamed = await sql`
          UPDATE device_groups SET name = ${name}
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND id = ${groupId} RETURNING 1`;
        return renamed.length > 0 ? 'renamed' : 'not_found';
      }),

    remove: (actor, { networkId, groupId }) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`
          DELETE FROM device_groups
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND id = ${groupId} RETURNING 1`;
        return removed.length > 0;
      }),

    readGroups: (networkIds) => database.system('relay', (sql) => readGroups(sql, networkIds)),
  };
}

function memberStatements(
  database: Database,
): Pick<GroupStore, 'listMembers' | 'addMembers' | 'removeMember'> {
  return {
    listMembers: (actor, { networkId, groupId }, after, limit) =>
      database.read(actor, async (sql) => {
        const rows = await sql<{ device_id: DeviceId }[]>`
          SELECT device_id FROM device_group_members
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND group_id = ${groupId}
            AND (${after}::uuid IS NULL OR device_id > ${after}::uuid)
          ORDER BY device_id LIMIT ${limit}`;
        return rows.map((row) => row.device_id);
      }),

    addMembers: (actor, group, deviceIds, joinedOffset) =>
      database
        .tenant(actor, async (sql) => {
          await lockGroups(sql, group.networkId);
          return addMembers(sql, actor, group, deviceIds, joinedOffset);
        })
        .catch(deviceNotFound),

    removeMember: (actor, { networkId, groupId }, deviceId) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`
          DELETE FROM device_group_members
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND group_id = ${groupId}
            AND device_id = ${deviceId} RETURNING 1`;
        return removed.length > 0;
      }),
  };
}

async function addMembers(
  sql: Sql,
  { tenantId }: AccountActor,
  { networkId, groupId }: GroupOfNetwork,
  deviceIds: readonly DeviceId[],
  joinedOffset: number,
): Promise<'added' | 'not_found' | 'limit_reached'> {
  const found = await sql`
    SELECT 1 FROM device_groups WHERE tenant_id = ${tenantId} AND network_id = ${networkId} AND id = ${groupId}`;
  if (found.length === 0) return 'not_found';
  await sql`
    INSERT INTO device_group_members (group_id, network_id, tenant_id, device_id, joined_offset)
    SELECT ${groupId}, ${networkId}, ${tenantId}, device_id, ${joinedOffset}
    FROM unnest(${[...deviceIds]}::uuid[]) AS added (device_id)
    ON CONFLICT (group_id, device_id) DO NOTHING`;
  const [count] = await sql<{ of_group: bigint; of_network: bigint }[]>`
    SELECT count(*) FILTER (WHERE group_id = ${groupId}) AS of_group, count(*) AS of_network
    FROM device_group_members WHERE tenant_id = ${tenantId} AND network_id = ${networkId}`;
  const isFull =
    count === undefined ||
    count.of_group > BigInt(GROUP_MEMBERS_MAX) ||
    count.of_network > BigInt(NETWORK_MEMBERS_MAX);
  if (isFull) throw new TooManyMembers();
  return 'added';
}

/** Takes back what was added. */
class TooManyMembers extends Error {}

/** A device that isn't in the network: a foreign key found no membership. */
function deviceNotFound(error: unknown): 'device_not_found' | 'limit_reached' {
  if (error instanceof TooManyMembers) return 'limit_reached';
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === '23503' && constraint === 'device_group_members_of_device') return 'device_not_found';
  throw error;
}

/** One change at a time in a network: each counts what the others add. */
async function lockGroups(sql: Sql, networkId: NetworkId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`groups:${networkId}`}, 0))`;
}

const selectMembers: MemberLookup['selectMembers'] = async (sql, networkId) =>
  (await selectMemberRows(sql, [networkId])).map(toMember);

const selectMemberRows = (sql: Sql, networkIds: readonly NetworkId[]) => sql<MemberRow[]>`
  SELECT group_id, network_id, device_id, joined_offset FROM device_group_members
  WHERE network_id = ANY (${[...networkIds]}::uuid[])`;

/** The groups of these networks, whoever they belong to. */
async function readGroups(sql: Sql, networkIds: readonly NetworkId[]): ReturnType<GroupStore['readGroups']> {
  const wanted = [...networkIds];
  const [groups, members] = await Promise.all([
    sql<{ id: string; network_id: NetworkId }[]>`
      SELECT id, network_id FROM device_groups WHERE network_id = ANY (${wanted}::uuid[])`,
    selectMemberRows(sql, networkIds),
  ]);
  return {
    groups: groups.map((row) => ({ id: row.id, networkId: row.network_id })),
    members: members.map(toMember),
  };
}
