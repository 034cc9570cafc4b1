import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { Database } from '../../server/kernel/database.ts';
import type { Logger } from '../../server/kernel/logger.ts';
import { type OpenDatabase, openDatabase } from '../../server/platform/database/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { silentLogger } from './logger.ts';
import {
  administer,
  dropDatabase,
  TEST_DATABASE_SECRET,
  type TestCluster,
  withDatabase,
} from './test-cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    testCluster: TestCluster;
  }
}

/** A database of a test file's own. */
export interface TestDatabase {
  readonly database: Database;
  readonly open: OpenDatabase;
  /** The owner's URL, for a server's DATABASE_URL. */
  readonly url: string;
  /** Ends the connections and drops the database. */
  close(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** False: an empty database, without schema or roles. */
  readonly migrated?: boolean;
  readonly logger?: Logger;
}

/**
 * A fresh database with the schema of all migrations, in the cluster that `global-setup.ts` started. Make one a test
 * file in `beforeAll` and close it in `afterAll`; it costs some 50 ms.
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const cluster = inject('testCluster');
  const name = `yggdrasil_test_${randomBytes(6).toString('hex')}`;
  const template = options.migrated === false ? 'template1' : cluster.template;
  await administer(cluster.ownerUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = withDatabase(cluster.ownerUrl, name);
  const open = await openDatabase(
    { source: { kind: 'server', url, secret: TEST_DATABASE_SECRET } },
    { clock: createSystemClock(), random: createSystemRandom(), logger: options.logger ?? silentLogger },
  );
  return {
    database: open.database,
    open,
    url,
    close: async () => {
      await open.close(1_000);
      await dropDatabase(cluster.adminUrl, name);
    },
  };
}
