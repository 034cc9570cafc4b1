import { describe, expect, it } from 'vitest';
import { seedsFrom } from '../seeds.ts';
import { checkInvariants } from './invariants.ts';
import { World } from './world.ts';

const SEEDS = seedsFrom(process.env, 25);

async function run(seed: number): Promise<World> {
  const world = new World(seed);
  await world.run();
  await checkInvariants(world);
  return world;
}

describe('a market whose store, network, devices and server fail', () => {
  const seen = { ends: 0, kills: 0, replays: 0, exchanges: 0, unknown: 0, continued: 0 };

  it.each(SEEDS)(
    'ends every request once, bills what was told, and loses no slot (SEED=%i)',
    async (seed) => {
      const { problems, asked, kills, store, askedLast } = await run(seed);
      expect(problems).toEqual([]);
      const told = asked.flatMap((each) => each.told);
      seen.ends += told.filter(({ kind }) => kind === 'end').length;
      seen.unknown += told.filter((end) => end.kind === 'failed' && end.code === 'outcome_unknown').length;
      seen.replays += asked.filter(({ answer }) => answer?.isReplay).length;
      seen.kills += kills.length;
      seen.continued += [...askedLast.values()].filter(({ beginning }) => beginning !== '').length;
      const holds = [...store.books.kept.transfers.values()].filter(({ kind }) => kind === 'hold').length;
      seen.exchanges += holds - store.transactions.size;
    },
  );

  it.runIf(SEEDS.length >= 20)('has seen all of it', () => {
    console.log(`simulation: seeds ${SEEDS[0]} to ${SEEDS.at(-1)}`, seen);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });

  it('runs the same world again for the same seed', async () => {
    const [first, second] = [await run(SEEDS[0] ?? 1), await run(SEEDS[0] ?? 1)];
    expect(first.digest()).toBe(second.digest());
  });
});
