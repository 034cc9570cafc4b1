import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { StartError } from '../../kernel/start-error.ts';
import { type Client, connect } from './connect.ts';
import { startEmbedded } from './embedded/start.ts';
import { type ExclusiveUse, useExclusively } from './exclusive.ts';
import {
  EMBEDDED_SPARE_CONNECTIONS,
  IDLE_IN_TRANSACTION_TIMEOUT_MS,
  POOL_CONNECTIONS_MAX,
  STATEMENT_TIMEOUT_MS,
} from './limits.ts';
import { createMigrator } from './migrate.ts';
import { migrations as allMigrations } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';
import { checkServer, grantRoles } from './server.ts';
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
      /** The pools log in here. */
      readonly url: string;
      /** The owner of the tables, for migrations; without it, `url`'s user is that too. */
      readonly ownerUrl?: string;
    };

export interface DatabaseOptions {
  readonly source: DatabaseSource;
  /** Of each of the two pools. */
  readonly poolConnectionsMax?: number;
  /** The steps of the schema; all of ours without it. */
  readonly migrations?: readonly Migration[];
}

/** The database, its schema's versions, and its end. */
export interface OpenDatabase {
  readonly kind: DatabaseSource['kind'];
  readonly database: Database;
  /** Refuses with StartError a database that another server uses; until `close` none can. */
  useExclusively(): Promise<void>;
  /** Brings the schema up to date and grants the two roles to the pools' user; gives the names of the steps taken. */
  migrate(): Promise<readonly string[]>;
  /** Takes back the last `count` steps with the data they held; gives their names. */
  rollback(count: number): Promise<readonly string[]>;
  /** Resolves when both pools can reach the database as their roles; throws AppError `unavailable`. */
  ping(): Promise<void>;
  /** Refuses new transactions, waits up to `timeoutMs` for the running ones, then ends all connections and the database. */
  close(timeoutMs: number): Promise<void>;
}

const createPool = (url: string, role: string, connectionsMax: number): Client =>
  connect(url, {
    connectionsMax,
    role,
    settings: {
      statement_timeout: String(STATEMENT_TIMEOUT_MS),
      idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_TIMEOUT_MS),
    },
  });

/** The source with a PostgreSQL that admits both pools; its own settings go before. */
const withRoomFor = (connectionsMax: number, source: DatabaseSource & { kind: 'embedded' }) => ({
  ...source,
  settings: { max_connections: String(2 * connectionsMax + EMBEDDED_SPARE_CONNECTIONS), ...source.settings },
});

/**
 * Opens the database: starts the embedded one, or reaches the server. The pools connect at the first transaction, which
 * needs `migrate` to have been run once. Refuses with StartError what only the operator can mend.
 */
export async function openDatabase(
  options: DatabaseOptions,
  deps: { clock: Clock; random: Random; logger: Logger },
): Promise<OpenDatabase> {
  const { source } = options;
  const connectionsMax = options.poolConnectionsMax ?? POOL_CONNECTIONS_MAX;
  const embedded =
    source.kind === 'embedded' ? await startEmbedded(withRoomFor(connectionsMax, source), deps) : null;
  const url = source.kind === 'server' ? source.url : (embedded?.urls.url ?? '');
  const ownerUrl =
    source.kind === 'server' ? (source.ownerUrl ?? source.url) : (embedded?.urls.ownerUrl ?? '');
  if (source.kind === 'server') {
    const { ownerUrl: owner } = source;
    const owned = owner === undefined ? null : await checkServer(owner, 'YGGDRASIL_DATABASE_OWNER_URL');
    const used = await checkServer(source.url, 'DATABASE_URL');
    if (owned !== null && owned !== used) {
      throw new StartError('DATABASE_URL and YGGDRASIL_DATABASE_OWNER_URL must lead to the same database.');
    }
  }

  const pools = {
    tenantPool: createPool(url, 'yggdrasil_tenant', connectionsMax),
    systemPool: createPool(url, 'yggdrasil_system', connectionsMax),
  };
  const { database, drain } = createTransactions(pools, deps);
  let exclusive: ExclusiveUse | null = null;
  const migrator = createMigrator(ownerUrl, options.migrations ?? allMigrations, deps);

  return {
    kind: source.kind,
    database,
    migrate: async () => {
      const names = await migrator.up();
      await grantRoles(ownerUrl, url);
      return names;
    },
    useExclusively: async () => {
      // The embedded one belongs to the server that runs it.
      if (source.kind === 'server') exclusive = await useExclusively(url, deps);
    },
    rollback: (count) => migrator.down(count),
    ping: async () => {
      await Promise.all([
        database.system('node', (sql) => sql`SELECT 1`),
        database.tenant('00000000-0000-0000-0000-000000000000' as never, (sql) => sql`SELECT 1`),
      ]);
    },
    close: async (timeoutMs) => {
      const stopWaiting = new Promise<'late'>((resolve) =>
        deps.clock.after(timeoutMs, () => resolve('late')),
      );
      if ((await Promise.race([drain(), stopWaiting])) === 'late') {
        deps.logger.warn(
          { operation: 'database.close', timeoutMs },
          'ending transactions that did not finish',
        );
      }
      try {
        await Promise.all([pools.tenantPool.end({ timeout: 0 }), pools.systemPool.end({ timeout: 0 })]);
        await exclusive?.end();
      } finally {
        await embedded?.stop();
      }
    },
  };
}
