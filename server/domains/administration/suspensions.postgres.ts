import type { Database } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type { SuspensionStore } from './ports.ts';
import type { Suspension } from './types.ts';

interface SuspensionRow {
  tenant_id: TenantId;
  account_id: AccountId | null;
  reason: string;
  suspended_at: Date;
}

const toSuspension = (row: SuspensionRow): Suspension => ({
  tenantId: row.tenant_id,
  accountId: row.account_id,
  reason: row.reason,
  suspendedAtMs: row.suspended_at.getTime(),
});

/** Suspensions in PostgreSQL. */
export function createSuspensionStore(database: Database): SuspensionStore {
  return {
    listIds: () =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ tenant_id: TenantId }[]>`SELECT tenant_id FROM tenant_suspensions`;
        return rows.map((row) => row.tenant_id);
      }),

    list: (limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<SuspensionRow[]>`
          SELECT * FROM tenant_suspensions ORDER BY suspended_at DESC, tenant_id LIMIT ${limit}`;
        return rows.map(toSuspension);
      }),

    add: ({ tenantId, accountId, reason, suspendedAtMs }) =>
      database
        .system('identity', async (sql) => {
          await sql`
            INSERT INTO tenant_suspensions (tenant_id, account_id, reason, suspended_at)
            VALUES (${tenantId}, ${accountId}, ${reason}, ${new Date(suspendedAtMs)})
            ON CONFLICT (tenant_id) DO NOTHING`;
          const [row] = await sql<SuspensionRow[]>`
            SELECT * FROM tenant_suspensions WHERE tenant_id = ${tenantId}`;
          return row === undefined ? null : toSuspension(row);
        })
        .catch((error: unknown) => {
          const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
          if (code === '23503' && constraint === 'tenant_suspensions_tenant_id_fkey') return null;
          throw error;
        }),

    remove: (tenantId) =>
      database.system('identity', async (sql) => {
        const removed = await sql`DELETE FROM tenant_suspensions WHERE tenant_id = ${tenantId} RETURNING 1`;
        return removed.length > 0;
      }),
  };
}
