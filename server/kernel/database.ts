import type { TransactionSql } from 'postgres';
import type { TenantId } from './ids.ts';

/** One transaction's handle of the `postgres` package. BIGINT arrives as bigint, timestamps as Date. */
export type Sql = TransactionSql<{ bigint: bigint }>;

/**
 * The database as stores see it. Neither way runs as the owner of the tables.
 * A transaction that fails with a serialization failure or a deadlock is tried again, three times at most.
 */
export interface Database {
  /** A transaction that sees and writes this tenant's rows only: row-level security by role `yggdrasil_tenant`. */
  tenant<T>(tenantId: TenantId, work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * A transaction of the server itself (sign-in, the ledger writer, relay storage, the marketplace's matching), which
   * spans tenants: role `yggdrasil_system`, which has only the grants these need.
   */
  system<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}
