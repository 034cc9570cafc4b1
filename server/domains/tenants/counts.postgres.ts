import type { Database } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';

/** How many tenants there are, whoever they belong to. */
export function countTenants(database: Database): Promise<number> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<{ count: bigint }[]>`SELECT count(*) AS count FROM tenants`;
    return Number(row?.count ?? 0);
  });
}

/** The name of a tenant, whoever asks; null: it is gone. */
export function findTenantName(database: Database, tenantId: TenantId): Promise<string | null> {
  return database.system('identity', async (sql) => {
    const [row] = await sql<{ name: string }[]>`SELECT name FROM tenants WHERE id = ${tenantId}`;
    return row?.name ?? null;
  });
}
