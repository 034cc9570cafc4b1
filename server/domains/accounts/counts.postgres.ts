import type { Database } from '../../kernel/database.ts';

/** How many accounts there are, whoever they belong to. */
export function countAccounts(database: Database): Promise<number> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM accounts`;
    return Number(row?.count ?? 0);
  });
}
