import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { Random } from '../../kernel/random.ts';
import { storageFull } from '../../kernel/storage-room.ts';
import { isOutOfSpace, isRetryable, isUnreachable, unavailable } from './failures.ts';
import { RETRY_DELAY_MS, TRANSACTION_ATTEMPTS_MAX } from './limits.ts';
import type { PoolName } from './logins.ts';
import type { Pool } from './pool.ts';

/** The kernel's Database over all pools, and its end. */
export interface Transactions {
  readonly database: Database;
  /** Refuses new transactions; resolves when the running ones are done. */
  drain(): Promise<void>;
}

/** Each pool must run as its role; `signScope` makes the setting that the policies believe. */
export function createTransactions(
  pools: Readonly<Record<PoolName, Pool>>,
  signScope: (actor: Actor) => string,
  dependencies: { clock: Clock; random: Random },
): Transactions {
  let pending = 0;
  let drained: (() => void) | null = null;
  let closing = false;

  const wait = (attempt: number) =>
    new Promise<void>((resolve) => {
      const meanMs = RETRY_DELAY_MS * 4 ** (attempt - 1);
      dependencies.clock.after(meanMs * (0.5 + dependencies.random.fraction()), resolve);
    });

  async function run<T>(carryOut: () => Promise<T>): Promise<T> {
    if (closing) throw unavailable();
    pending++;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await carryOut();
        } catch (error) {
          if (isUnreachable(error)) throw unavailable(error);
          if (isOutOfSpace(error)) throw storageFull(error);
          if (!isRetryable(error) || attempt === TRANSACTION_ATTEMPTS_MAX) throw error;
          await wait(attempt);
        }
      }
    } finally {
      pending--;
      if (pending === 0) drained?.();
    }
  }

  const setScope = (sql: Sql, actor: Actor) => sql`SELECT set_config('app.scope', ${signScope(actor)}, true)`;

  /** The scope is set in one exchange with the first statement. */
  const withScope =
    <T, Rest extends readonly unknown[]>(actor: Actor, work: (sql: Sql, ...rest: Rest) => Promise<T>) =>
    async (sql: Sql, ...rest: Rest): Promise<T> => {
      const scoped = setScope(sql, actor);
      scoped.catch(() => {});
      const result = await work(sql, ...rest);
      await scoped;
      return result;
    };

  return {
    database: {
      tenant: (actor, work) => run(() => pools.tenant.begin(actor.tenantId, withScope(actor, work))),
      read: (actor, work) => run(() => pools.tenant.readAtOnce(actor.tenantId, withScope(actor, work))),
      system: (job, work) => run(() => pools[job].begin(null, work)),
    },
    drain: () => {
      closing = true;
      if (pending === 0) return Promise.resolve();
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
  };
}
