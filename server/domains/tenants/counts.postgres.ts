import type { Database } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';

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

/** Who owns a tenant, whoever asks; `limit` of them at most. */
export function listOwners(
  database: Database,
  tenantId: TenantId,
  limit: number,
): Promise<readonly AccountId[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<{ account_id: AccountId }[]>`
      SELECT account_id FROM memberships WHERE tenant_id = ${tenantId} AND role = 'owner'
      ORDER BY account_id LIMIT ${limit}`;
    return rows.map(({ account_id }) => account_id);
  });
}

/** A tenant without what is its own. */
export interface CountedTenant {
  readonly id: TenantId;
  readonly ownerIds: readonly AccountId[];
  readonly members: number;
  readonly createdAtMs: number;
}

/** All tenants behind `after`, in the order of ids: who owns them, and how many members they have. */
export function listHostedTenants(
  database: Database,
  after: TenantId | null,
  limit: number,
): Promise<readonly CountedTenant[]> {
  return database.system('identity', async (sql) => {
    const rows = await sql<{ id: TenantId; created_at: Date; owner_ids: AccountId[]; members: bigint }[]>`
      SELECT id, created_at,
        ARRAY(SELECT account_id FROM memberships WHERE tenant_id = tenants.id AND role = 'owner' ORDER BY account_id) AS owner_ids,
        (SELECT count(*) FROM memberships WHERE tenant_id = tenants.id) AS members
      FROM tenants WHERE ${after}::uuid IS NULL OR id > ${after}::uuid
      ORDER BY id LIMIT ${limit}`;
    return rows.map(({ id, created_at: createdAt, owner_ids: ownerIds, members }) => ({
      id,
      ownerIds,
      members: Number(members),
      createdAtMs: createdAt.getTime(),
    }));
  });
}
