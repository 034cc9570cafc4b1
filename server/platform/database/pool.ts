import type { ReservedSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import type { Sql } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Client } from './connect.ts';
import { unavailable } from './failures.ts';
import { ACQUIRE_TIMEOUT_MS, TRANSACTIONS_WAITING_MAX } from './limits.ts';

/** A connection's handle as a transaction's, for statements until `end`. */
function endable(sql: ReservedSql<{ bigint: bigint }>): { readonly handle: Sql; readonly end: () => void } {
  let isOver = false;
  const handle = new Proxy(sql, {
    apply(target, self, values) {
      if (isOver) throw new InvariantError('a statement begins after all were sent');
      return Reflect.apply(target, self, values);
    },
  });
  return {
    handle: handle as unknown as Sql,
    end: () => {
      isOver = true;
    },
  };
}

interface Waiting {
  begin(): void;
  isOver: boolean;
}

/** Connections of one role. Transactions that find none free wait in a line for each tenant, and the lines take turns. */
export class Pool {
  readonly #client: Client;
  readonly #connectionsMax: number;
  readonly #clock: Clock;
  readonly #waiting = new FairQueue<TenantId | null, Waiting>({
    itemsMax: TRANSACTIONS_WAITING_MAX,
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
  #running = 0;

  constructor(client: Client, connectionsMax: number, clock: Clock) {
    this.#client = client;
    this.#connectionsMax = connectionsMax;
    this.#clock = clock;
  }

  /**
   * Carries `work` out in a transaction. `tenantId`: in whose line it waits; null: the server's own. Refuses with
   * `unavailable` where that line is full and where no connection was free in time; work that was refused never begins.
   */
  begin<T>(tenantId: TenantId | null, work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#withConnection(
      tenantId,
      (begins) =>
        this.#client.begin((sql) => {
          begins();
          return work(sql);
        }) as Promise<T>,
    );
  }

  /**
   * Carries `work` out in a transaction that only reads, whose statements are all sent at once: those that `work` begins within
   * the call. A later one throws InvariantError. Waits and refuses as `begin` does.
   */
  readAtOnce<T>(tenantId: TenantId | null, work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#withConnection(tenantId, async (begins) => {
      const sql = await this.#client.reserve();
      try {
        begins();
        const begun = sql`BEGIN READ ONLY`.execute();
        const { handle, end } = endable(sql);
        const result = work(handle);
        end();
        const ended = sql`COMMIT`;
        await Promise.allSettled([begun, result, ended]);
        await Promise.all([begun, ended]);
        return await result;
      } finally {
        sql.release();
      }
    });
  }

  /** `carryOut` calls `begins` when it has a connection, which throws where that took too long. */
  #withConnection<T>(tenantId: TenantId | null, carryOut: (begins: () => void) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        isOver: false,
        begin: () => {
          const begun = carryOut(() => {
            forgetLimit();
            if (waiting.isOver) throw unavailable();
          });
          begun.then(resolve, reject).finally(() => {
            forgetLimit();
            this.#ended();
          });
        },
      };
      const forgetLimit = this.#clock.after(ACQUIRE_TIMEOUT_MS, () => {
        waiting.isOver = true;
        reject(unavailable());
      });
      if (this.#running < this.#connectionsMax) {
        this.#running++;
        waiting.begin();
      } else if (!this.#waiting.push(tenantId, waiting)) {
        forgetLimit();
        reject(unavailable());
      }
    });
  }

  /** Gives the connection to whose turn it is. */
  #ended(): void {
    let next = this.#waiting.take();
    while (next?.isOver === true) next = this.#waiting.take();
    if (next === undefined) this.#running--;
    else next.begin();
  }
}
