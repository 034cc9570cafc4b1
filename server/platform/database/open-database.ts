import type { ServiceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { asId, type TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { type Client, connect, requirePatchedClient } from './connect.ts';
import { startEmbedded } from './embedded/start.ts';
import { type ExclusiveUse, useExclusively } from './exclusive.ts';
import {
  CLIENT_CHECK_INTERVAL_MS,
  EMBEDDED_SPARE_CONNECTIONS,
  IDLE_IN_TRANSACTION_TIMEOUT_MS,
  POOL_CONNECTIONS_MAX,
  STATEMENT_TIMEOUT_MS,
} from './limits.ts';
import {
  endPoolSessions,
  loginUrl,
  POOL_NAMES,
  type PoolName,
  prepareLogins,
  roleOf,
  SYSTEM_JOBS,
} from './logins.ts';
import { createMigrator } from './migrate.ts';
import { migrations as allMigrations } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';
import { Pool } from './pool.ts';
import { createScopeSigner, scopeKeyOf, storeScopeKey } from './scope.ts';
import { checkServer } from './server.ts';
import { createTransactions } from './transactions.ts';

/** Where the database is. */
export type DatabaseSource =
  | {
      readonly kind: 'embedded';
      readonly dataDirectory: string;
      /** What its passwords follow from, kept in the secrets file. */
      readonly secret: string;
      readonly settings?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'server';
      /** As who owns the tables, migrates them, and makes the users that the pools log in with. */
      readonly url: string;
      /** What the passwords of the pools' users follow from. */
      readonly secret: string;
    };

export interface DatabaseOptions {
  readonly source: DatabaseSource;
  /** Of each pool. */
  readonly poolConnectionsMax?: number;
  /** The steps of the schema; all of ours without it. */
  readonly migrations?: readonly Migration[];
}

/** The database, its schema's versions, and its end. */
export interface OpenDatabase {
  readonly kind: DatabaseSource['kind'];
  readonly database: Database;
  /**
   * Refuses with StartError a database that another server uses, unless `isAbandoned` says of that one that it hangs;
   * until `close` none can use it.
   */
  useExclusively(isAbandoned: () => Promise<boolean>): Promise<void>;
  /** Brings the schema up to date and makes the pools' users; gives the names of the steps taken. */
  migrate(): Promise<readonly string[]>;
  /** Takes back the last `count` steps with the data they held; gives their names. */
  rollback(count: number): Promise<readonly string[]>;
  /** Resolves when every pool can reach the database as its role; throws AppError `unavailable`. */
  ping(): Promise<void>;
  /** Refuses new transactions, waits up to `timeoutMs` for the running ones, then ends all connections and the database. */
  close(timeoutMs: number): Promise<void>;
}

/** Acts for a tenant that nobody has. */
const NOBODY: ServiceActor = {
  kind: 'service',
  tenantId: asId<TenantId>('00000000-0000-0000-0000-000000000000'),
  service: 'database.ping',
};

const createClient = (url: string, pool: PoolName, connectionsMax: number): Client =>
  connect(url, {
    connectionsMax,
    role: roleOf(pool),
    settings: {
      statement_timeout: String(STATEMENT_TIMEOUT_MS),
      idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_TIMEOUT_MS),
      client_connection_check_interval: String(CLIENT_CHECK_INTERVAL_MS),
    },
  });

const ofEachPool = <Value>(make: (pool: PoolName) => Value) =>
  Object.fromEntries(POOL_NAMES.map((pool) => [pool, make(pool)])) as Record<PoolName, Value>;

/** The source with a PostgreSQL that admits all pools; its own settings go before. */
const withRoomFor = (connectionsMax: number, source: DatabaseSource & { kind: 'embedded' }) => ({
  ...source,
  settings: {
    max_connections: String(POOL_NAMES.length * connectionsMax + EMBEDDED_SPARE_CONNECTIONS),
    ...source.settings,
  },
});

/**
 * Opens the database: starts the embedded one, or reaches the server. The pools connect at the first transaction, which
 * needs `migrate` to have been run once. Refuses with StartError what only the operator can mend.
 */
export async function openDatabase(
  options: DatabaseOptions,
  dependencies: { clock: Clock; random: Random; logger: Logger },
): Promise<OpenDatabase> {
  requirePatchedClient();
  const { source } = options;
  const connectionsMax = options.poolConnectionsMax ?? POOL_CONNECTIONS_MAX;
  const embedded =
    source.kind === 'embedded'
      ? await startEmbedded(withRoomFor(connectionsMax, source), dependencies)
      : null;
  const url = embedded?.urls.ownerUrl ?? (source.kind === 'server' ? source.url : '');
  if (source.kind === 'server') await checkServer(source.url);
  const clients = ofEachPool((pool) =>
    createClient(loginUrl(url, pool, source.secret), pool, connectionsMax),
  );
  const pools = ofEachPool((pool) => new Pool(clients[pool], connectionsMax, dependencies.clock));
  const scopeKey = scopeKeyOf(source.secret);
  const { database, drain } = createTransactions(pools, createScopeSigner(scopeKey), dependencies);
  let exclusive: ExclusiveUse | null = null;
  const migrator = createMigrator(url, options.migrations ?? allMigrations, dependencies);

  return {
    kind: source.kind,
    database,
    migrate: async () => {
      const names = await migrator.up();
      await storeScopeKey(url, scopeKey);
      await prepareLogins(url, source.secret);
      return names;
    },
    useExclusively: async (isAbandoned) => {
      // The embedded one belongs to the server that runs it.
      if (source.kind !== 'server') return;
      const endSessions = () => endPoolSessions(url, source.secret);
      exclusive = await useExclusively(url, { ...dependencies, isAbandoned, endSessions });
    },
    rollback: (count) => migrator.down(count),
    ping: async () => {
      await Promise.all([
        ...SYSTEM_JOBS.map((job) => database.system(job, (sql) => sql`SELECT 1`)),
        database.tenant(NOBODY, (sql) => sql`SELECT 1`),
      ]);
    },
    close: async (timeoutMs) => {
      const stopWaiting = new Promise<'late'>((resolve) =>
        dependencies.clock.after(timeoutMs, () => resolve('late')),
      );
      if ((await Promise.race([drain(), stopWaiting])) === 'late') {
        dependencies.logger.warn(
          { operation: 'database.close', timeoutMs },
          'ending transactions that did not finish',
        );
      }
      try {
        await Promise.all(POOL_NAMES.map((pool) => clients[pool].end({ timeout: 0 })));
        await exclusive?.end();
      } finally {
        await embedded?.stop();
      }
    },
  };
}
