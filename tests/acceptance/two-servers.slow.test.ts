import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LEASE_MS } from '../../server/platform/node/limits.ts';
import { createCrashHousehold } from '../support/crash/household.ts';
import { createEvidence, startLoad, topUp } from '../support/crash/load.ts';
import { CRASH_SETTINGS, enough } from '../support/crash/survive.ts';
import { createFindings, verifyAfterCrash } from '../support/crash/verify.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runCommand, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { storeReadings } from '../support/versions/content.ts';

/** A start that is to be refused takes seconds; on a machine that does much else, many. */
const START_TIMEOUT_MS = 90_000;
/** Cents the requester begins with. */
const FIRST_CENTS = 50;

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-two-servers-'));
// The database's user must pass.
chmodSync(directory, 0o711);
const servers: ServerProcess[] = [];
let shared: TestDatabase;

beforeAll(async () => {
  shared = await createTestDatabase();
});
afterAll(async () => {
  for (const { child, end } of servers) {
    if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
  }
  await shared?.close();
  rmSync(directory, { recursive: true, force: true });
});

const settingsOf = (name: string) => ({
  ...CRASH_SETTINGS,
  DATABASE_URL: shared.url,
  YGGDRASIL_DATA_DIR: join(directory, name),
});

async function start(name: string): Promise<ServerProcess> {
  const server = await startServerProcess(settingsOf(name));
  servers.push(server);
  return server;
}

/** Gives another data directory the same secrets: they belong to the database. */
function copySecrets(from: string, to: string): void {
  mkdirSync(join(directory, to), { mode: 0o700 });
  copyFileSync(join(directory, from, 'secrets.json'), join(directory, to, 'secrets.json'));
}

async function expectRefused(name: string): Promise<void> {
  const { code, stdout, stderr } = await runCommand('server', {
    environment: {
      ...settingsOf(name),
      YGGDRASIL_PORT: '0',
      YGGDRASIL_MQTT_PORT: '0',
      YGGDRASIL_LOG_LEVEL: 'silent',
    },
    timeoutMs: START_TIMEOUT_MS,
  });
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^Another server uses the database at .*DATABASE_URL\.\n$/);
}

/** The node that has the lease, the jobs and who has them, and all that a server writes for devices and money. */
async function readEverything() {
  const { database } = shared;
  return {
    ...(await database.system('node', async (sql) => ({
      nodes: [...(await sql`SELECT id, fencing_number FROM nodes`)],
      jobs: [...(await sql`SELECT job, node_id FROM node_jobs ORDER BY job`)],
    }))),
    ...(await database.system('relay', async (sql) => ({
      streams: [...(await sql`SELECT network_id, epoch, head FROM relay_streams ORDER BY network_id`)],
      frames: [...(await sql`SELECT network_id, stream_offset, frame_id FROM relay_frames ORDER BY 1, 2`)],
      cursors: [...(await sql`SELECT * FROM relay_cursors ORDER BY network_id, device_id`)],
      nonces: [...(await sql`SELECT * FROM relay_nonces ORDER BY device_id`)],
    }))),
    ...(await database.system('money', async (sql) => ({
      entries: [...(await sql`SELECT * FROM ledger_entries ORDER BY 1, 2, 3`)],
      transactions: [...(await sql`SELECT * FROM marketplace_transactions ORDER BY id`)],
    }))),
  };
}

/** What is written once nothing is on its way any more: progress is saved every second. */
async function readWhenQuiet() {
  for (let before = await readEverything(); ; ) {
    await sleep(2_500);
    const now = await readEverything();
    if (isDeepStrictEqual(now, before)) return now;
    before = now;
  }
}

it('a second server on one database is refused; one that starts when the first has hung for longer than its lease is the only one that writes', async () => {
  const evidence = createEvidence();
  const findings = createFindings();
  const first = await start('first');
  const household = await createCrashHousehold(first);
  for (let cent = 1; cent <= FIRST_CENTS; cent++) {
    evidence.topUps.set(`first-${cent}`, true);
    await topUp(first, household, `first-${cent}`);
  }
  copySecrets('first', 'second');
  await expectRefused('second');
  await expectRefused('other-secrets');
  // The first one serves on as if nothing had been.
  const load = await startLoad(first, household, evidence);
  await enough(load, first);

  // It hangs with work under way. Its clients stay: whatever it acknowledges later is held against it.
  first.child.kill('SIGSTOP');
  const leaseOver = sleep(LEASE_MS + 1_000);
  await expectRefused('second');
  await leaseOver;
  const second = await start('second');
  const nextLoad = await startLoad(second, household, evidence);
  await enough(nextLoad, second);
  await nextLoad.stop();
  await verifyAfterCrash(second, household, evidence, findings);

  const written = await readWhenQuiet();
  expect(written.nodes).toHaveLength(1);
  expect(await first.end('SIGCONT')).toBe(75);
  expect(first.output()).toContain('"operation":"node.lost"');
  const { jobs, ...afterwards } = await readEverything();
  const { jobs: _, ...before } = written;
  expect(afterwards).toEqual(before);
  // The second one may have begun with more of them meanwhile.
  expect(jobs.length).toBeGreaterThan(0);
  expect(new Set(jobs.map((job) => job.node_id))).toEqual(new Set([written.nodes[0]?.id]));

  await load.stop();
  const next = (evidence.numbers.get('sensor') ?? 0) + 1;
  for (const [offset, text] of await storeReadings(second, household, [next]))
    evidence.acceptedAt.set(offset, text);
  await verifyAfterCrash(second, household, evidence, findings);
  expect(await second.end('SIGTERM')).toBe(0);
}, 300_000);
