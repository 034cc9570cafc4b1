import { beforeEach, expect, it } from 'vitest';
import { keepRunning } from '../../../server/platform/database/embedded/keep-running.ts';
import {
  EMBEDDED_RESTART_PAUSE_MAX_MS,
  EMBEDDED_RESTART_PAUSE_MS,
  EMBEDDED_STEADY_MS,
} from '../../../server/platform/database/limits.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

/** A database that ends when a test says so, or when it is asked to. */
class FakePostmaster {
  end = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.end = resolve;
  });
  requestStop(): void {
    this.end();
  }
}

let clock: FakeClock;
let launched: FakePostmaster[];
let launch: () => Promise<FakePostmaster>;
beforeEach(() => {
  clock = new FakeClock();
  launched = [new FakePostmaster()];
  launch = async () => {
    const postmaster = new FakePostmaster();
    launched.push(postmaster);
    return postmaster;
  };
});

const keep = () =>
  keepRunning(launched[0] as FakePostmaster, () => launch(), { clock, logger: silentLogger });
/** Ends the running one and lets `ms` go by. */
async function fail(ms: number): Promise<void> {
  launched.at(-1)?.end();
  await turn();
  clock.advance(ms);
  await turn();
}

it('starts a database that ended by itself again, after pauses that double', async () => {
  keep();
  await fail(EMBEDDED_RESTART_PAUSE_MS - 1);
  expect(launched).toHaveLength(1);
  clock.advance(1);
  await turn();
  expect(launched).toHaveLength(2);
  await fail(2 * EMBEDDED_RESTART_PAUSE_MS - 1);
  expect(launched).toHaveLength(2);
  clock.advance(1);
  await turn();
  expect(launched).toHaveLength(3);
});

it('tries on for as long as the server lives, with pauses that stop growing', async () => {
  keep();
  const attempts = 2_000;
  for (let count = 0; count < attempts; count++) await fail(EMBEDDED_RESTART_PAUSE_MAX_MS);
  expect(launched).toHaveLength(1 + attempts);
  await fail(EMBEDDED_RESTART_PAUSE_MAX_MS - 1);
  expect(launched).toHaveLength(1 + attempts);
  clock.advance(1);
  await turn();
  expect(launched).toHaveLength(2 + attempts);
});

it('begins with short pauses again after it ran long', async () => {
  keep();
  for (let count = 0; count < 20; count++) await fail(EMBEDDED_RESTART_PAUSE_MAX_MS);
  clock.advance(EMBEDDED_STEADY_MS);
  await fail(EMBEDDED_RESTART_PAUSE_MS);
  expect(launched).toHaveLength(22);
});

it('counts a start that fails, and goes on', async () => {
  const working = launch;
  launch = async () => {
    throw new Error('no room');
  };
  keep();
  await fail(EMBEDDED_RESTART_PAUSE_MS);
  launch = working;
  clock.advance(2 * EMBEDDED_RESTART_PAUSE_MS);
  await turn();
  expect(launched).toHaveLength(2);
});

it('stops for good while it runs, while it pauses, and while it starts', async () => {
  await keep().stop();
  expect(clock.pending).toBe(0);

  const pausing = keep();
  await fail(1);
  await pausing.stop();
  clock.advance(EMBEDDED_STEADY_MS);
  await turn();
  expect(launched).toHaveLength(1);

  let finishStart = () => {};
  const working = launch;
  launch = async () => {
    await new Promise<void>((resolve) => {
      finishStart = resolve;
    });
    return working();
  };
  const starting = keep();
  await fail(EMBEDDED_RESTART_PAUSE_MS);
  const stopped = starting.stop();
  finishStart();
  await stopped;
  await expect(launched.at(-1)?.ended).resolves.toBeUndefined();
});
