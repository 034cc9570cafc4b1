/**
 * A server's worth of database in a process of its own, for tests that kill it: opens the embedded database below the
 * folder given, prints `ready`, then commits one row after another and prints each number once it is committed.
 * `--once` closes after `ready`. What the operator must mend is printed as `main` would, with exit code 1.
 */
import { StartError } from '../../server/kernel/start-error.ts';
import { openDatabase } from '../../server/platform/database/index.ts';
import { createLogger } from '../../server/platform/logging/index.ts';
import { loadSecrets } from '../../server/platform/secrets/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { prepareDataDirectory } from '../../server/platform/system/data-directory.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';

async function run(directory: string, once: boolean): Promise<void> {
  const random = createSystemRandom();
  const dataDirectory = await prepareDataDirectory(directory);
  const { databaseSecret } = await loadSecrets(dataDirectory, random);
  const open = await openDatabase(
    { source: { kind: 'embedded', dataDirectory, secret: databaseSecret } },
    { clock: createSystemClock(), random, logger: createLogger({ level: 'info', destination: 2 }) },
  );
  await open.migrate();
  const rows = await open.database.system(
    'identity',
    (sql) => sql`SELECT count(*) AS count, current_user AS me FROM tenants`,
  );
  console.log(`ready ${rows[0]?.count} ${rows[0]?.me}`);
  for (let number = 1; !once; number++) {
    await open.database.system('identity', (sql) => sql`INSERT INTO tenants (id) VALUES (${random.uuid()})`);
    console.log(`committed ${number}`);
  }
  await open.close(1_000);
}

const [, , directory = '', mode] = process.argv;
await run(directory, mode === '--once').catch((error: unknown) => {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
