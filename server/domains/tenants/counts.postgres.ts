import type { Database } from '../../kernel/database.ts';

/** How many tenants there are, whoever they belong to. */
export function countTenants(database: Database): Promise<number> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM tenants`;
    return Number(row?.count ?? 0);
  });
}
