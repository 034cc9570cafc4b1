import { describe, expect, it } from 'vitest';
import { seedsFrom } from '../seeds.ts';
import { FEW } from './scenarios.ts';
import { THRESHOLDS } from './thresholds.ts';
import { ChoiceWorld, type Outcome } from './world.ts';

// More seeds, more scenarios and the other policies: npm run bench -- market.
const SEEDS = seedsFrom(process.env, 1);

async function outcomesOf(name: string): Promise<Outcome[]> {
  const scenario = FEW.find((each) => each.name.includes(name));
  if (scenario === undefined) throw new Error(`no scenario is called ${name}`);
  const outcomes: Outcome[] = [];
  for (const seed of SEEDS) outcomes.push(await new ChoiceWorld(scenario, 'ours', seed).run());
  return outcomes;
}

describe(`the choice of a provider, seeds ${SEEDS.join(', ')}`, () => {
  it.each(['2 equal', '3 equal'])('shares evenly among %s', async (name) => {
    for (const { jain, refused } of await outcomesOf(name)) {
      expect(jain).toBeGreaterThanOrEqual(THRESHOLDS.jainMin);
      expect(refused).toBe(0);
    }
  });

  it('lets nobody wait for long in a machine that has fewer slots than it says', async () => {
    for (const { firstTokenP99Ms } of await outcomesOf('16 slots')) {
      expect(firstTokenP99Ms).toBeLessThan(THRESHOLDS.liarFirstTokenP99MsMax);
    }
  });

  it('puts no honest machine aside for long prompts', async () => {
    for (const { pausedShare, refused } of await outcomesOf('prefill')) {
      expect(pausedShare).toBeLessThan(THRESHOLDS.pausedShareMax);
      expect(refused).toBe(0);
    }
  });

  it('gives a newcomer work within a minute', async () => {
    for (const { newcomerMs } of await outcomesOf('newcomer')) {
      expect(newcomerMs).not.toBeNull();
      expect(newcomerMs).toBeLessThan(THRESHOLDS.newcomerMsMax);
    }
  });
});
