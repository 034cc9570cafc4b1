import { describe, expect, it } from 'vitest';
import { createLifecycle, type Part } from '../../../server/app/lifecycle.ts';
import { FakeClock } from '../../support/clock.ts';

const STOP_TIMEOUT_MS = 1_000;

/** Parts `a`, `b` and `c`, of which `changes` replaces some steps; `steps` gets what they did, in order. */
function world(changes: Readonly<Record<string, Partial<Part>>> = {}) {
  const steps: string[] = [];
  const clock = new FakeClock();
  const part = (name: string): Part => ({
    name,
    start: async () => void steps.push(`start ${name}`),
    stopAccepting: () => void steps.push(`refuse ${name}`),
    drain: async () => void steps.push(`drain ${name}`),
    stop: async () => void steps.push(`stop ${name}`),
    ...changes[name],
  });
  const parts = ['a', 'b', 'c'].map(part);
  return { steps, clock, lifecycle: createLifecycle(parts, { stopTimeoutMs: STOP_TIMEOUT_MS }, { clock }) };
}

const fails = (message: string) => async () => {
  throw new Error(message);
};

describe('a lifecycle', () => {
  it('starts its parts in order, and stops them the last one first, after all refuse work and have drained', async () => {
    const { steps, lifecycle } = world();
    await lifecycle.start();
    expect(steps.splice(0)).toEqual(['start a', 'start b', 'start c']);
    await lifecycle.stop();
    expect(steps).toEqual([
      ...['refuse c', 'refuse b', 'refuse a'],
      ...['drain c', 'drain b', 'drain a'],
      ...['stop c', 'stop b', 'stop a'],
    ]);
  });

  it('whose part fails to start stops it and those before it, and throws its error', async () => {
    const { steps, lifecycle } = world({ b: { start: fails('no port') } });
    await expect(lifecycle.start()).rejects.toThrow('no port');
    expect(steps.filter((step) => step.startsWith('st'))).toEqual(['start a', 'stop b', 'stop a']);
  });

  it('throws the error of the start, whatever fails after it', async () => {
    const { lifecycle } = world({ b: { start: fails('no port'), stop: fails('not stopped') } });
    await expect(lifecycle.start()).rejects.toThrow('no port');
  });

  it('of which parts fail to drain and to stop ends all others, and rejects with the first failure', async () => {
    const { steps, lifecycle } = world({
      c: { drain: fails('not drained') },
      b: { stop: fails('not stopped') },
    });
    await expect(lifecycle.stop()).rejects.toThrow('not drained');
    expect(steps.slice(-2)).toEqual(['stop c', 'stop a']);
  });

  it('gives up draining when its time is over, and tells parts how much of it is left', async () => {
    const left: number[] = [];
    const stop = async (leftMs: number) => void left.push(leftMs);
    const { clock, lifecycle } = world({ a: { stop }, c: { drain: () => new Promise(() => {}), stop } });
    const stopping = lifecycle.stop();
    clock.advance(STOP_TIMEOUT_MS);
    await stopping;
    expect(left).toEqual([0, 0]);
  });
});
