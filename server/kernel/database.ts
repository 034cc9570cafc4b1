import type { TransactionSql } from 'postgres';
import type { Actor } from './actor.ts';

/** One transaction's handle of the `postgres` package. BIGINT arrives as bigint, timestamps as Date. */
export type Sql = TransactionSql<{ bigint: bigint }>;

/**
 * The database as stores see it. Neither way runs as the owner of the tables.
 * A transaction that fails with a serialization failure or a deadlock is tried again, three times at most.
 */
export interface Database {
  /**
   * A transaction that sees and writes what the actor may, in its tenant: row-level security by role `yggdrasil_tenant`.
   */
  tenant<T>(actor: Actor, work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * As `tenant`, for one statement that only reads: in one exchange with the database instead of three. `read` begins its
   * statement within the call; a later one throws InvariantError.
   */
  read<T>(actor: Actor, read: (sql: Sql) => Promise<T>): Promise<T>;
  /** A transaction of the server itself, which spans tenants, by a role with only the grants that its job needs. */
  system<T>(job: SystemJob, work: (sql: Sql) => Promise<T>): Promise<T>;
}

/**
 * Work of the server that spans tenants: sign-in and device credentials; stored frames; the marketplace with its ledger;
 * who runs where.
 */
export type SystemJob = 'identity' | 'relay' | 'money' | 'node';
