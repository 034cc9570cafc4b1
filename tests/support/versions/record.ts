import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations } from '../../../server/platform/database/migrations/index.ts';
import { createCrashHousehold } from '../crash/household.ts';
import { topUp } from '../crash/load.ts';
import { startServerProcess } from '../server-process.ts';
import { administer, startTestCluster, withDatabase } from '../test-cluster.ts';
import { buyCompletion, readAnswers, storeReadings } from './content.ts';
import { checksumOf, dumpRows, RECORDED, type Recording } from './recording.ts';

/** Records what the built server leaves in its database, under the version in package.json. */
async function record(): Promise<void> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const cluster = await startTestCluster();
  const dataDirectory = mkdtempSync(join(tmpdir(), 'yggdrasil-record-'));
  try {
    await administer(cluster.ownerUrl, 'CREATE DATABASE recorded');
    const url = withDatabase(cluster.ownerUrl, 'recorded');
    const server = await startServerProcess({ DATABASE_URL: url, YGGDRASIL_DATA_DIR: dataDirectory });
    const household = await createCrashHousehold(server);
    for (const key of ['first', 'second', 'third']) await topUp(server, household, key);
    const readings = await storeReadings(server, household, [1, 2, 3, 4, 5]);
    await buyCompletion(server, household);
    // When a device was last there is written after its connection has ended.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const recording: Recording = {
      version,
      migrations: migrations.map((step) => ({ name: step.name, sha256: checksumOf(step) })),
      secrets: readFileSync(join(dataDirectory, 'secrets.json'), 'utf8'),
      household,
      readings,
      answers: await readAnswers(server, household),
    };
    await server.end('SIGTERM');
    mkdirSync(RECORDED, { recursive: true });
    writeFileSync(join(RECORDED, `${version}.sql`), await dumpRows(url));
    writeFileSync(join(RECORDED, `${version}.json`), `${JSON.stringify(recording, null, 2)}\n`);
    await administer(cluster.adminUrl, 'DROP DATABASE recorded WITH (FORCE)');
    console.log(`recorded ${version} in ${RECORDED}`);
  } finally {
    await cluster.stop();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

await record();
