import { expect, it } from 'vitest';
import { RatatoskrType } from '../../../proto/index.ts';
import { TYPE_LIMITS, TypeLimits } from '../../../server/transports/ratatoskr/type-limits.ts';
import { FakeClock } from '../../support/clock.ts';

const { HEARTBEAT, PROVIDER_REGISTRATION } = RatatoskrType;
const { bytesMax, perMinuteMax } = TYPE_LIMITS.get(PROVIDER_REGISTRATION) as {
  bytesMax: number;
  perMinuteMax: number;
};

it('as many of a type come in a minute as may, and again in the next, whatever came of others', () => {
  const clock = new FakeClock();
  const limits = new TypeLimits({ clock, countsRates: true });
  for (let count = 0; count < perMinuteMax; count++)
    expect(limits.excessOf(PROVIDER_REGISTRATION, 10)).toBeNull();
  const excess = limits.excessOf(PROVIDER_REGISTRATION, 10);
  expect(excess?.code).toBe('rate_limited');
  expect(limits.excessOf(HEARTBEAT, 0)).toBeNull();
  clock.advance(Number(excess?.details?.retryAfterSeconds) * 1_000);
  expect(limits.excessOf(PROVIDER_REGISTRATION, 10)).toBeNull();
});

it('a message has as many bytes as its type may have, also where minutes are not counted', () => {
  const limits = new TypeLimits({ clock: new FakeClock(), countsRates: false });
  for (let count = 0; count <= perMinuteMax; count++)
    expect(limits.excessOf(PROVIDER_REGISTRATION, bytesMax)).toBeNull();
  expect(limits.excessOf(PROVIDER_REGISTRATION, bytesMax + 1)?.code).toBe('too_large');
});
