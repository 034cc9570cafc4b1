import { type Database, withLast } from '../../kernel/database.ts';
import type { NodeLease } from '../../kernel/lease.ts';

/**
 * The database, whose transactions that span tenants commit only while this node holds its lease. That is asked last, as it gives the
 * transaction an id: until then the audit sees whether it has written anything.
 */
export function fencedDatabase(database: Database, lease: NodeLease): Database {
  return {
    tenant: (scope, work) => database.tenant(scope, work),
    read: (scope, work) => database.read(scope, work),
    system: async (job, work) => {
      const [value] = await database.system(
        job,
        withLast(work, (sql) => lease.require(sql)),
      );
      return value;
    },
  };
}
