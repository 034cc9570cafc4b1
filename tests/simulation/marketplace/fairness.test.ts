import { describe, expect, it } from 'vitest';
import { type SimulationResult, simulate } from './simulate.ts';

const DURATION_MS = 600_000;
const SEED = Number(process.env.SEED ?? 1);
const SEEDS = Array.from({ length: 6 }, (_, index) => SEED + index);

function mean(results: readonly SimulationResult[], of: (result: SimulationResult) => number): number {
  return results.reduce((sum, result) => sum + of(result), 0) / results.length;
}

describe.each([0.4, 0.7])('twenty providers at load %d, one turning 10x slow, one failing half', (load) => {
  console.log(`simulation: load ${load}, seeds ${SEEDS.join(', ')} (SEED=n begins elsewhere)`);
  const run = (policy: 'ours' | 'round-robin') =>
    SEEDS.map((seed) => simulate({ seed, load, policy, durationMs: DURATION_MS }));
  const ours = run('ours');
  const roundRobin = run('round-robin');

  it('shares the work by capacity: Jain at least 0.95, nobody under 10 % of its fair share', () => {
    for (const { jain, smallestShare } of ours) {
      expect(jain).toBeGreaterThanOrEqual(0.95);
      expect(smallestShare).toBeGreaterThan(0.1);
    }
  });

  it('gives the slow one less than 1 % from 10 s after it turned slow', () => {
    for (const { slowShareAfter10s } of ours) expect(slowShareAfter10s).toBeLessThan(0.01);
  });

  it('fails no request and repeats few', () => {
    for (const { failed, retries, requests } of ours) {
      expect(failed).toBe(0);
      expect(retries / requests).toBeLessThan(0.2);
    }
  });

  it('is cheaper than taking turns and not slower', () => {
    const price = ({ centsPer1000Tokens }: SimulationResult) => centsPer1000Tokens;
    const p99 = ({ latencyP99Ms }: SimulationResult) => latencyP99Ms;
    expect(mean(ours, price)).toBeLessThan(mean(roundRobin, price));
    expect(mean(ours, p99)).toBeLessThan(mean(roundRobin, p99) * 1.15);
  });

  it('runs the same world again for the same seed', () => {
    expect(simulate({ seed: SEED, load, policy: 'ours', durationMs: 60_000 })).toEqual(
      simulate({ seed: SEED, load, policy: 'ours', durationMs: 60_000 }),
    );
  });
});
