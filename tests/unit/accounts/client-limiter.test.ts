import { describe, expect, it } from 'vitest';
import { createClientLimiter } from '../../../server/platform/client-limiter/index.ts';
import { FakeClock } from '../../support/clock.ts';

const build = (clientsMax = 10) => {
  const clock = new FakeClock();
  const limiter = createClientLimiter({ countMax: 2, intervalMs: 10_000, clientsMax }, { clock });
  return { clock, limiter };
};

describe('a limit for clients', () => {
  it('counts each by itself, and begins anew after the interval', () => {
    const { clock, limiter } = build();
    const count = (client: string) => limiter.countAndCheck(client);
    expect([count('a'), count('a'), count('b')]).toEqual([null, null, null]);
    clock.advance(4_000);
    expect([count('a'), count('b'), count('b')]).toEqual([6, null, 6]);
    clock.advance(5_999);
    expect(count('a')).toBe(1);
    clock.advance(1);
    expect([count('a'), count('a'), count('a')]).toEqual([null, null, 10]);
  });

  it('says the interval itself at its beginning, whatever the fractions of the clock', () => {
    const { clock, limiter } = build();
    clock.advance(43_221.327_941_7);
    for (let step = 0; step < 1_000; step++) {
      clock.advance(10_000.137);
      expect(limiter.take('a').resetSeconds).toBe(10);
    }
  });

  it('holds as many as it may, and forgets who was silent for longest', () => {
    const { limiter } = build(2);
    for (const client of ['a', 'a', 'b', 'a', 'c']) limiter.countAndCheck(client);
    expect(limiter.countAndCheck('a')).not.toBeNull();
    expect(limiter.countAndCheck('b')).toBeNull();
  });
});
