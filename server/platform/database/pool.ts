import type { ReservedSql, Row, RowList } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import type { Lastly, Sql, Work } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Client } from './connect.ts';
import { isStalePlan, unavailable } from './failures.ts';
import { ACQUIRE_TIMEOUT_MS, STALE_PLANS_MAX, TRANSACTIONS_WAITING_MAX } from './limits.ts';

type Connection = ReservedSql<{ bigint: bigint }>;
type Answer = RowList<Row[]>;

/** A connection as the handle of one transaction. */
interface Handle {
  readonly sql: Sql;
  /** Statements that begin later throw InvariantError. */
  end(): void;
  /** What the first statement that failed failed with; null: none did. PostgreSQL refuses all after it. */
  failure(): Error | null;
}

function handleOf(connection: Connection): Handle {
  let isOver = false;
  let failure: Error | null = null;
  const noteFailure = (error: Error) => {
    failure ??= error;
  };
  const sql = new Proxy(connection, {
    apply(target, self, values) {
      if (isOver) throw new InvariantError('a statement begins after its transaction was ended');
      const statement: unknown = Reflect.apply(target, self, values);
      // By the method of promises: a statement's own would send it, and a part of a statement is never sent.
      if (statement instanceof Promise) Promise.prototype.then.call(statement, undefined, noteFailure);
      return statement;
    },
  }) as unknown as Sql;
  return {
    sql,
    end: () => {
      isOver = true;
    },
    failure: () => failure,
  };
}

/** Whether an error only says that an earlier statement of the transaction failed. */
const followsFailure = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '25P02';

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
   * Carries `work` out in a transaction, whose beginning is sent with its first statement. `tenantId`: in whose line it waits; null:
   * the server's own. Refuses with `unavailable` where that line is full and where no connection was free in time; work that was
   * refused never begins. A statement that failed ends the transaction, also where `work` goes on without it.
   */
  begin<T>(tenantId: TenantId | null, work: Work<T>): Promise<T> {
    return this.#withConnection(tenantId, async (connection) => {
      const begun = connection`BEGIN`.execute();
      // Where it fails, what follows fails, too.
      begun.catch(() => {});
      const { sql, end, failure } = handleOf(connection);
      let committed: Promise<Answer> | null = null;
      const commit = () => {
        end();
        // As long a way to the connection as that of a statement which is awaited: it is sent after those begun before it.
        committed = Promise.resolve<Answer>(connection`COMMIT`);
        committed.catch(() => {});
        return committed;
      };
      const lastly: Lastly = (last) => {
        const result = Promise.resolve(last());
        commit();
        return result;
      };
      let result: T;
      try {
        result = await work(sql, lastly);
        const failed = failure();
        if (failed !== null) throw failed;
      } catch (error) {
        end();
        await (committed ?? connection`ROLLBACK`);
        throw followsFailure(error) ? failure() : error;
      }
      const [{ command }] = await Promise.all([committed ?? commit(), begun]);
      if (command !== 'COMMIT') throw new InvariantError('the transaction kept nothing');
      return result;
    });
  }

  /**
   * Carries `work` out in a transaction that only reads, whose statements are all sent at once: those that `work` begins within
   * the call. A later one throws InvariantError. Waits and refuses as `begin` does.
   */
  readAtOnce<T>(tenantId: TenantId | null, work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#withConnection(tenantId, async (connection) => {
      const begun = connection`BEGIN READ ONLY`.execute();
      const { sql, end } = handleOf(connection);
      const result = work(sql);
      end();
      const ended = connection`COMMIT`;
      await Promise.allSettled([begun, result, ended]);
      await Promise.all([begun, ended]);
      return await result;
    });
  }

  /** Lends `carryOut` a connection until it is done; one that came too late goes back unused. */
  #withConnection<T>(
    tenantId: TenantId | null,
    carryOut: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        isOver: false,
        begin: () => {
          const begun = this.#lend((connection) => {
            forgetLimit();
            if (waiting.isOver) throw unavailable();
            return carryOut(connection);
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

  async #lend<T>(carryOut: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#client.reserve();
    try {
      for (let stalePlans = 0; ; stalePlans++) {
        try {
          return await carryOut(connection);
        } catch (error) {
          if (!isStalePlan(error) || stalePlans === STALE_PLANS_MAX) throw error;
        }
      }
    } finally {
      connection.release();
    }
  }

  /** Gives the connection to whose turn it is. */
  #ended(): void {
    let next = this.#waiting.take();
    while (next?.isOver === true) next = this.#waiting.take();
    if (next === undefined) this.#running--;
    else next.begin();
  }
}
