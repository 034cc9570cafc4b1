import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Clock } from '../../server/kernel/clock.ts';
import type { Database } from '../../server/kernel/database.ts';
import type { Logger } from '../../server/kernel/logger.ts';
import type { Random } from '../../server/kernel/random.ts';
import { startEmbedded } from '../../server/platform/database/embedded/start.ts';
import { openDatabase } from '../../server/platform/database/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';

const SECRET = 'the secret of the bench';

const logger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => console.error(message, fields),
};

/** The product's database, embedded, in a temporary folder. */
export interface BenchDatabase {
  readonly database: Database;
  /** The superuser's connections, for a reference. */
  readonly sql: postgres.Sql;
  readonly system: { readonly clock: Clock; readonly random: Random; readonly logger: Logger };
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** Starts a database with the product's schema; the reference has so many connections. */
export async function openBenchDatabase(connections: number): Promise<BenchDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-bench-database-'));
  // Run as root, the database's user must pass through.
  chmodSync(directory, 0o711);
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const system = { clock: createSystemClock(), random: createSystemRandom(), logger };
  const embedded = await startEmbedded({ dataDirectory: directory, secret: SECRET }, system);
  const source = { kind: 'server', url: embedded.urls.ownerUrl, secret: SECRET } as const;
  const open = await openDatabase({ source }, system);
  await open.migrate();
  const target = new URL(embedded.urls.superuserUrl);
  const sql = postgres({
    host: target.searchParams.get('host') ?? '',
    user: target.username,
    password: target.password,
    database: 'yggdrasil',
    max: connections,
    onnotice: () => {},
  });
  return {
    database: open.database,
    sql,
    system,
    async close() {
      await sql.end({ timeout: 1 });
      await open.close(1_000);
      await embedded.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
