import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../support/random.ts';
import { seedsFrom } from '../seeds.ts';
import { ActionWorld } from './world.ts';

/** `SEEDS=1000000 npx vitest run --project simulation tests/simulation/actions` runs as many; `SEED` says with which to begin. */
const SEEDS = seedsFrom(process.env, 20);
const STEPS = 60;

/** Lets something happen to the world: people ask and cancel, connections break, power goes, time passes. */
async function step(world: ActionWorld, random: () => number): Promise<void> {
  const dice = random();
  if (dice < 0.3) await world.askNew();
  else if (dice < 0.38) await world.askAgain();
  else if (dice < 0.44) await world.cancelOne();
  else if (dice < 0.56) world.reconnect();
  else if (dice < 0.62) world.cut();
  else if (dice < 0.67) world.losePower();
  else if (dice < 0.7) world.killServer();
  else await world.pass(Math.floor(random() * 2_000));
  await world.settle();
}

describe('actions in seeded worlds', () => {
  it.each(SEEDS)(
    'seed %i: none is carried out twice, each ends once, and its events have no gap',
    async (seed) => {
      const random = createSeededRandom(seed);
      const world = new ActionWorld(random);
      for (let count = 0; count < STEPS; count++) {
        await step(world, random.fraction);
        expect(world.problems()).toEqual([]);
      }
      await world.finish();
      expect(world.problems()).toEqual([]);
      expect(world.open).toEqual([]);
    },
  );
});
