import type { Database } from '../../kernel/database.ts';
import type { NodeLease } from '../../kernel/lease.ts';

/**
 * The database, whose transactions that span tenants commit only while this node holds its lease. That is asked last, as it gives the
 * transaction an id: until then the audit sees whether it has written anything.
 */
export function fencedDatabase(database: Database, lease: NodeLease): Database {
  return {
    tenant: (scope, work) => database.tenant(scope, work),
    read: (scope, work) => database.read(scope, work),
    system: (job, work) =>
      database.system(job, async (sql) => {
        const value = await work(sql);
        await lease.require(sql);
        return value;
      }),
  };
}
