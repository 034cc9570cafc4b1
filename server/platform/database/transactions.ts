import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { Random } from '../../kernel/random.ts';
import type { Client } from './connect.ts';
import { isRetryable, isUnreachable, unavailable } from './failures.ts';
import {
  ACQUIRE_TIMEOUT_MS,
  RETRY_DELAY_MS,
  TRANSACTION_ATTEMPTS_MAX,
  TRANSACTIONS_PENDING_MAX,
} from './limits.ts';
import type { PoolName } from './logins.ts';

/** The kernel's Database over two pools, and its end. */
export interface Transactions {
  readonly database: Database;
  /** Refuses new transactions; resolves when the running ones are done. */
  drain(): Promise<void>;
}

/** Each pool must run as its role; `signScope` makes the setting that the policies believe. */
export function createTransactions(
  pools: Readonly<Record<PoolName, Client>>,
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

  /** `begin` with a limit on the wait for a connection; work whose caller was told so is not begun any more. */
  const begin = <T>(pool: Client, work: (sql: Sql) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      let expired = false;
      const forgetLimit = dependencies.clock.after(ACQUIRE_TIMEOUT_MS, () => {
        expired = true;
        reject(unavailable());
      });
      pool
        .begin((sql) => {
          forgetLimit();
          if (expired) throw unavailable();
          return work(sql);
        })
        .then((result) => resolve(result as T), reject)
        .finally(forgetLimit);
    });

  async function run<T>(pool: Client, work: (sql: Sql) => Promise<T>): Promise<T> {
    if (closing || pending >= TRANSACTIONS_PENDING_MAX) throw unavailable();
    pending++;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await begin(pool, work);
        } catch (error) {
          if (isUnreachable(error)) throw unavailable(error);
          if (!isRetryable(error) || attempt === TRANSACTION_ATTEMPTS_MAX) throw error;
          await wait(attempt);
        }
      }
    } finally {
      pending--;
      if (pending === 0) drained?.();
    }
  }

  return {
    database: {
      tenant: (actor, work) =>
        run(pools.tenant, async (sql) => {
          await sql`SELECT set_config('app.scope', ${signScope(actor)}, true)`;
          return work(sql);
        }),
      system: (job, work) => run(pools[job], work),
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
