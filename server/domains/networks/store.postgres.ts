import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import type { NetworkStore } from './ports.ts';
import type { Network } from './types.ts';

interface NetworkRow {
  id: NetworkId;
  tenant_id: TenantId;
  name: string;
  created_at: Date;
}

const toNetwork = (row: NetworkRow): Network => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  createdAtMs: row.created_at.getTime(),
});

/** The devices that belong to networks, as rows. */
export interface NetworkDeviceRows {
  /** Those of one network, in the same transaction. */
  listWithin(
    sql: Sql,
    network: { readonly tenantId: TenantId; readonly networkId: NetworkId },
  ): Promise<readonly DeviceId[]>;
}

/** Networks in PostgreSQL. `devices` says which belong to a network that is removed. */
export function createNetworkStore(database: Database, devices: NetworkDeviceRows): NetworkStore {
  return {
    addNetwork: (actor, network, networksMax) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        // One at a time for a tenant, or two requests could both see room for the last network.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`networks:${tenantId}`}, 0))`;
        const [count] = await sql<{ count: bigint }[]>`
          SELECT count(*) AS count FROM networks WHERE tenant_id = ${tenantId}`;
        if (count === undefined || count.count >= BigInt(networksMax)) return 'limit_reached';
        const added = await sql`
          INSERT INTO networks (id, tenant_id, name, created_at)
          VALUES (${network.id}, ${tenantId}, ${network.name}, ${new Date(network.createdAtMs)})
          ON CONFLICT ON CONSTRAINT networks_name_taken DO NOTHING RETURNING 1`;
        return added.length > 0 ? 'added' : 'name_taken';
      }),

    findNetwork: (actor, networkId) =>
      database.read(actor, async (sql) => {
        const networkIds = arrayOf(actor.networkIds);
        const [row] = await sql<NetworkRow[]>`
          SELECT * FROM networks
          WHERE tenant_id = ${actor.tenantId} AND id = ${networkId}
            AND (${networkIds}::uuid[] IS NULL OR id = ANY (${networkIds}::uuid[]))`;
        return row === undefined ? null : toNetwork(row);
      }),

    listNetworks: (actor, after, limit) =>
      database.read(actor, (sql) => selectNetworks(sql, actor, after, limit)),

    renameNetwork: (actor, networkId, name) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`networks:${tenantId}`}, 0))`;
        const taken = await sql`
          SELECT 1 FROM networks WHERE tenant_id = ${tenantId} AND name = ${name} AND id <> ${networkId}`;
        const [found] = await sql`SELECT 1 FROM networks WHERE tenant_id = ${tenantId} AND id = ${networkId}`;
        if (found === undefined) return 'not_found';
        if (taken.length > 0) return 'name_taken';
        await sql`UPDATE networks SET name = ${name} WHERE tenant_id = ${tenantId} AND id = ${networkId}`;
        return 'renamed';
      }),

    removeNetwork: (actor, networkId) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        // From here on no device joins: the foreign key of its membership waits for this lock.
        const found = await sql`
          SELECT 1 FROM networks WHERE tenant_id = ${tenantId} AND id = ${networkId} FOR UPDATE`;
        if (found.length === 0) return null;
        const deviceIds = await devices.listWithin(sql, { tenantId, networkId });
        await sql`DELETE FROM networks WHERE tenant_id = ${tenantId} AND id = ${networkId}`;
        return deviceIds;
      }),
  };
}

async function selectNetworks(
  sql: Sql,
  actor: AccountActor,
  after: ListPosition<NetworkId> | null,
  limit: number,
) {
  const { at, id } = sqlPosition(after);
  const { tenantId } = actor;
  const networkIds = arrayOf(actor.networkIds);
  const rows = await sql<NetworkRow[]>`
    SELECT * FROM networks
    WHERE tenant_id = ${tenantId}
      AND (${networkIds}::uuid[] IS NULL OR id = ANY (${networkIds}::uuid[]))
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toNetwork);
}

/** A copy that the client takes as a parameter; null: all networks. */
const arrayOf = (networkIds: readonly NetworkId[] | null): NetworkId[] | null =>
  networkIds === null ? null : [...networkIds];
