import type { Clock } from '../../kernel/clock.ts';
import type { Sql } from '../../kernel/database.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Client } from './connect.ts';
import { unavailable } from './failures.ts';
import { ACQUIRE_TIMEOUT_MS, TRANSACTIONS_WAITING_MAX } from './limits.ts';

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
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        isOver: false,
        begin: () => {
          const begun = this.#client.begin((sql) => {
            forgetLimit();
            if (waiting.isOver) throw unavailable();
            return work(sql);
          });
          begun
            .then((result) => resolve(result as T), reject)
            .finally(() => {
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
