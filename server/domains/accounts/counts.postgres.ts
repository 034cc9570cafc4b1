import type { Database } from '../../kernel/database.ts';

/** How many accounts there are, whoever they belong to. */
export function countAccounts(database: Database): Promise<number> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM accounts`;
    return Number(row?.count ?? 0);
  });
}

/** Mail addresses of operators, at most so many. */
export function listOperatorAddresses(database: Database, limit: number): Promise<readonly string[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<{ address: string }[]>`
      SELECT address FROM account_addresses JOIN accounts ON accounts.id = account_addresses.account_id
      WHERE accounts.operator ORDER BY accounts.created_at, accounts.id LIMIT ${limit}`;
    return rows.map(({ address }) => address);
  });
}
