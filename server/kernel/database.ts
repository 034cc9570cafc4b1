import type { TransactionSql } from 'postgres';
import type { Actor } from './actor.ts';

/** One transaction's handle of the `postgres` package. BIGINT arrives as bigint, timestamps as Date. */
export type Sql = TransactionSql<{ bigint: bigint }>;

/**
 * Carries out what a transaction does at last: the statements that `last` begins within the call are sent together with the
 * transaction's end, and kept unless one of them fails, whatever happens afterwards. A later statement throws InvariantError.
 */
export type Lastly = <T>(last: () => Promise<T>) => Promise<T>;

/** What is done in one transaction. Each statement that waits for another one's result is an exchange with the database. */
export type Work<T> = (sql: Sql, lastly: Lastly) => Promise<T>;

/**
 * Begins these in their order without waiting in between: what each asks is sent at once and carried out after what those before it
 * ask. (In a list of promises a bare statement begins only when the list is awaited, after those of functions that were called.)
 */
export function inOrder<const Steps extends readonly (() => unknown)[]>(
  ...steps: Steps
): Promise<{ -readonly [Index in keyof Steps]: Awaited<ReturnType<Steps[Index]>> }> {
  return Promise.all(steps.map((step) => Promise.resolve(step()))) as never;
}

/**
 * The work, and what `more` does besides at last: it is sent after what the work does at last, in the same exchange. Where `more` is to
 * refuse the transaction, the database has to: what it throws by itself comes too late.
 */
export function withLast<T, More>(work: Work<T>, more: (sql: Sql) => Promise<More>): Work<[T, More]> {
  return async (sql, lastly) => {
    let added: Promise<More> | null = null;
    const add = () => {
      added = more(sql);
      return added;
    };
    const result = await work(sql, (last) => lastly(async () => (await inOrder(last, add))[0]));
    return [result, await (added ?? lastly(add))];
  };
}

/**
 * The database as stores see it. Neither way runs as the owner of the tables.
 * A transaction that fails with a serialization failure or a deadlock is tried again, three times at most. Statements that it begins
 * without waiting in between are sent at once, and carried out one after the other.
 */
export interface Database {
  /**
   * A transaction that sees and writes what the actor may, in its tenant: row-level security by role `yggdrasil_tenant`.
   */
  tenant<T>(actor: Actor, work: Work<T>): Promise<T>;
  /**
   * As `tenant`, for one statement that only reads: in one exchange with the database instead of two. `read` begins its
   * statement within the call; a later one throws InvariantError.
   */
  read<T>(actor: Actor, read: (sql: Sql) => Promise<T>): Promise<T>;
  /** A transaction of the server itself, which spans tenants, by a role with only the grants that its job needs. */
  system<T>(job: SystemJob, work: Work<T>): Promise<T>;
}

/**
 * Work of the server that spans tenants: sign-in and device credentials; stored frames; the marketplace with its ledger;
 * who runs where.
 */
export type SystemJob = 'identity' | 'relay' | 'money' | 'node';
