import { afterAll, expect, it } from 'vitest';
import type { Database } from '../../server/kernel/database.ts';
import { openPolicies, withoutChecks } from '../support/open-walls.ts';
import { readNumber, readSeed } from '../support/options.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createSide, STEPS, tellScript, type World } from '../support/two-worlds.ts';

/** In CI; `npm run test:isolation -- --scripts 5000` runs as many as one likes. */
const SCRIPTS = 200;

/** Differences after which a run ends. */
const DIFFERENCES_TOLD = 10;

/** Nobody is slowed down: what is compared is what is answered, not when. */
const UNSTOPPED = { YGGDRASIL_ABUSE_MEASURES: 'alert', YGGDRASIL_RATE_LIMITS: 'off' };

const servers: TestServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

async function start(isBusy: boolean, wrapped: Parameters<typeof startTestServer>[1] = {}): Promise<World> {
  const server = await startTestServer(UNSTOPPED, wrapped);
  servers.push(server);
  return createSide(server, isBusy);
}

/** What was told otherwise beside neighbours; no more is looked for than the first few. */
async function differencesIn(seeds: readonly number[], alone: World, beside: World): Promise<string[]> {
  const found: string[] = [];
  for (const seed of seeds) {
    const [expected, told] = await Promise.all([
      tellScript(alone, seed),
      tellScript(beside, seed).catch((error: unknown) => [String(error)]),
    ]);
    for (let step = 0; step < STEPS; step++) {
      if (told[step] === expected[step]) continue;
      found.push(`seed ${seed}, step ${step}: ${told[step]}\n  alone: ${expected[step]}`);
    }
    if (found.length >= DIFFERENCES_TOLD) break;
  }
  return found;
}

const seedsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => first + index);

it('a tenant is told the same, alone and beside neighbours who know and use its ids, whatever it asks', async () => {
  const first = readSeed();
  const scripts = readNumber('YGGDRASIL_TEST_SCRIPTS', SCRIPTS);
  console.log(`${scripts} scripts from seed ${first} on`);
  const [alone, beside] = [await start(false), await start(true)];
  expect(await differencesIn(seedsFrom(first, scripts), alone, beside)).toEqual([]);
}, 3_600_000);

it('is seen to be told otherwise where nothing keeps tenants apart', async () => {
  let isOpen = false;
  const wrapped = { wrapDatabase: (database: Database) => withoutChecks(database, () => isOpen) };
  const [alone, beside] = [await start(false), await start(true, wrapped)];
  isOpen = true;
  await openPolicies(servers.at(-1)?.databaseUrl ?? '');
  expect((await differencesIn(seedsFrom(1, SCRIPTS), alone, beside)).length).toBeGreaterThan(0);
}, 3_600_000);
