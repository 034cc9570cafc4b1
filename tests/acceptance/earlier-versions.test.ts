import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../server/platform/database/index.ts';
import { migrations } from '../../server/platform/database/migrations/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { call } from '../support/crash/household.ts';
import { createTestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { buyCompletion, readAnswers, readReadings, storeReadings } from '../support/versions/content.ts';
import { checksumOf, loadRows, type Recording, readRecordings } from '../support/versions/recording.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server of today on the database that a version left. */
async function startOn({ version, migrations: released, secrets }: Recording): Promise<TestServer> {
  const database = await createTestDatabase({ migrated: false });
  closers.push(database.close);
  const { databaseSecret } = JSON.parse(secrets) as { databaseSecret: string };
  const open = await openDatabase(
    {
      source: { kind: 'server', url: database.url, secret: databaseSecret },
      migrations: migrations.slice(0, released.length),
    },
    { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger },
  );
  await open.migrate();
  await open.close(1_000);
  await loadRows(database.url, version);
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-earlier-'));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'secrets.json'), secrets, { mode: 0o600 });
  const server = await startTestServer({ DATABASE_URL: database.url, YGGDRASIL_DATA_DIR: directory });
  closers.push(server.stop);
  return server;
}

const recordings = readRecordings();

it('there is a recording of a released version', () => {
  expect(recordings.length).toBeGreaterThan(0);
});

describe.each(recordings)('the database of version $version', (recording) => {
  it('was made by the first steps of the schema, none of which has changed since', () => {
    const today = migrations.map((step) => ({ name: step.name, sha256: checksumOf(step) }));
    expect(today.slice(0, recording.migrations.length)).toEqual(recording.migrations);
  });

  it('is carried along: everything in it reads as it did, and goes on', async () => {
    const { household, answers, readings } = recording;
    const server = await startOn(recording);
    // Answers may say more than they did.
    expect(await readAnswers(server, household)).toMatchObject(answers);
    const [last] = readings.at(-1) ?? [0];
    const more = await storeReadings(server, household, [6]);
    expect(more).toEqual([[last + 1, 'sensor:6']]);
    expect(await readReadings(server, household)).toEqual([...readings, ...more]);
    expect(await buyCompletion(server, household)).toBe('The answer is always forty-two.');
    const asked = { token: household.token };
    const { items } = await call<{ items: { state: string }[] }>(
      server,
      'GET',
      '/api/v1/marketplace/transactions?limit=100',
      asked,
    );
    const { totals } = await call<{ totals: { completed: number } }>(
      server,
      'GET',
      '/api/v1/marketplace/analytics/requester?step=month&from=2026-01-01T00:00:00Z',
      asked,
    );
    expect(items.length).toBeGreaterThan(1);
    expect(totals.completed).toBe(items.filter(({ state }) => state === 'COMPLETED').length);
    const books = await call(server, 'GET', '/api/v1/ledger/trial-balance', { token: household.adminToken });
    expect(books).toMatchObject({ entriesSum: { value: '0' }, mismatchedAccounts: 0, openHolds: 0 });
  });
});
