import { createSeededRandom } from '../random.ts';
import type { ServerProcess } from '../server-process.ts';
import { createCrashHousehold } from './household.ts';
import { createEvidence, startLoad, topUp } from './load.ts';
import { createFindings, verifyAfterCrash } from './verify.ts';

/** Settings under which what a crash leaves behind is over in seconds. */
export const CRASH_SETTINGS = {
  // The load asks as often as it is answered.
  YGGDRASIL_RATE_LIMITS: 'off',
  YGGDRASIL_HOLD_TIMEOUT_SECONDS: '5',
  YGGDRASIL_REQUEST_TIMEOUT_SECONDS: '4',
  YGGDRASIL_SLOT_WAIT_MS: '500',
};

/** A crash comes when this much has been acknowledged, and up to `DELAY_MS_MAX` later. */
const READINGS_MIN = 200;
const PAID_MIN = 3;
const DELAY_MS_MAX = 500;
const LOAD_TIMEOUT_MS = 120_000;
/** Cents the requester begins with, each a top-up of its own. */
const FIRST_CENTS = 100;

export interface Crashes {
  readonly rounds: number;
  /** Decides how long the load runs before each crash. */
  readonly seed: number;
  start(): Promise<ServerProcess>;
  /** Makes it end as in an accident; resolves when it is gone. */
  crash(server: ServerProcess, round: number): Promise<void>;
}

/** Crashes a server `rounds` times under load; after each start asserts what `verifyAfterCrash` does. */
export async function surviveCrashes({ rounds, seed, start, crash }: Crashes): Promise<void> {
  console.log(`crashes: ${rounds} rounds, seed ${seed}`);
  const random = createSeededRandom(seed);
  const evidence = createEvidence();
  const findings = createFindings();
  let server = await start();
  const household = await createCrashHousehold(server);
  for (let cent = 1; cent <= FIRST_CENTS; cent++) {
    evidence.topUps.set(`first-${cent}`, true);
    await topUp(server, household, `first-${cent}`);
  }
  for (let round = 1; round <= rounds; round++) {
    const load = await startLoad(server, household, evidence);
    await enough(load, server);
    await new Promise((resolve) => setTimeout(resolve, random.fraction() * DELAY_MS_MAX));
    await crash(server, round);
    const { readings, paid } = load.progress();
    await load.stop();
    server = await start();
    await verifyAfterCrash(server, household, evidence, findings);
    console.log(`crash ${round}: ${readings} readings and ${paid} completions acknowledged, all there`);
  }
  await server.end('SIGTERM');
}

/** Resolves when the load has got somewhere; rejects when it does not. */
export async function enough(
  load: Awaited<ReturnType<typeof startLoad>>,
  server: ServerProcess,
): Promise<void> {
  const deadlineMs = Date.now() + LOAD_TIMEOUT_MS;
  for (;;) {
    const { readings, paid } = load.progress();
    if (readings >= READINGS_MIN && paid >= PAID_MIN) return;
    if (Date.now() > deadlineMs) {
      throw new Error(`only ${readings} readings and ${paid} completions: ${server.output().slice(-2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
