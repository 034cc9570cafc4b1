import type { Database } from '../../kernel/database.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
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
  createdAt: row.created_at,
});

/** Networks in PostgreSQL. */
export function createNetworkStore(database: Database): NetworkStore {
  return {
    addNetwork: (network, networksMax) =>
      database.tenant(network.tenantId, async (sql) => {
        // One at a time for a tenant, or two requests could both see room for the last network.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`networks:${network.tenantId}`}, 0))`;
        const [count] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM networks`;
        if (count === undefined || count.count >= BigInt(networksMax)) return 'limit_reached';
        const added = await sql`
          INSERT INTO networks (id, tenant_id, name, created_at)
          VALUES (${network.id}, ${network.tenantId}, ${network.name}, ${network.createdAt})
          ON CONFLICT ON CONSTRAINT networks_name_taken DO NOTHING RETURNING 1`;
        return added.length > 0 ? 'added' : 'name_taken';
      }),

    findNetwork: (tenantId, networkId) =>
      database.tenant(tenantId, async (sql) => {
        const [row] = await sql<NetworkRow[]>`SELECT * FROM networks WHERE id = ${networkId}`;
        return row === undefined ? null : toNetwork(row);
      }),

    listNetworks: (tenantId, after, limit) =>
      database.tenant(tenantId, async (sql) => {
        const rows = await sql<NetworkRow[]>`
          SELECT * FROM networks
          WHERE ${after}::uuid IS NULL
             OR (created_at, id) > (SELECT created_at, id FROM networks WHERE id = ${after}::uuid)
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toNetwork);
      }),
  };
}
