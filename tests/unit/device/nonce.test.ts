import { describe, expect, it } from 'vitest';
import { NonceSource } from '../../../device/client/index.ts';

const atMs = (nowMs: number) => ({ nowMs: () => nowMs });

describe('a source of nonces', () => {
  it('begins at the clock, in microseconds, and then counts without a gap', () => {
    let nowMs = 5.5;
    const nonces = new NonceSource({ nowMs: () => nowMs });
    const first = nonces.next();
    nowMs = 1_000;
    expect([first, nonces.next(), nonces.next(), nonces.last]).toEqual([5_500, 5_501, 5_502, 5_502]);
  });

  it('is above everything that was sent before it began anew', () => {
    const before = new NonceSource(atMs(1_000));
    for (let count = 0; count < 500; count++) before.next();
    expect(new NonceSource(atMs(1_001)).next()).toBeGreaterThan(before.last);
    expect(new NonceSource(atMs(0), before.last).next()).toBe(before.last + 1);
  });

  it('goes on above what the server knows, and never back', () => {
    const nonces = new NonceSource(atMs(1));
    nonces.raise(900);
    expect(nonces.next()).toBe(1_000);
    nonces.raise(7_000);
    nonces.raise(6_000);
    expect([nonces.next(), nonces.next()]).toEqual([7_001, 7_002]);
  });
});
