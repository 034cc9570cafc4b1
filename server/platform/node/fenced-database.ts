import type { Database } from '../../kernel/database.ts';
import type { NodeLease } from '../../kernel/lease.ts';

/** The database, whose transactions that span tenants commit only while this node holds its lease. */
export function fencedDatabase(database: Database, lease: NodeLease): Database {
  return {
    tenant: (scope, work) => database.tenant(scope, work),
    read: (scope, work) => database.read(scope, work),
    system: (job, work) =>
      database.system(job, async (sql) => {
        await lease.require(sql);
        return work(sql);
      }),
  };
}
