import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  HEALTHY,
  pause,
  trustOf,
} from '../../../server/domains/providers/health.ts';
import { ProviderPace } from '../../../server/domains/providers/pace.ts';

describe('a provider', () => {
  it('is put aside after three failures in a row, not after two and a success', () => {
    let health = afterFailure(afterFailure(HEALTHY, false, 0, 0.5), false, 0, 0.5);
    expect(trustOf(afterSuccess(health, false), 0)).toBe('ready');
    health = afterFailure(health, false, 0, 0.5);
    expect(trustOf(health, 4_999)).toBe('paused');
    expect(trustOf(health, 5_000)).toBe('probe');
  });

  it('is put aside when too many fail, though never three in a row', () => {
    let health = HEALTHY;
    for (let i = 0; i < 30; i++) health = afterSuccess(afterFailure(health, false, 0, 0.5), false);
    expect(trustOf(health, 0)).toBe('paused');
  });

  it('pauses twice as long after each failed probe, up to five minutes, with jitter', () => {
    let health = pause(HEALTHY, 0, 0.5);
    const lengths = Array.from({ length: 8 }, () => {
      health = afterFailure(health, true, 0, 0.5);
      return health.pausedUntilMs;
    });
    expect(lengths).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    expect(pause(HEALTHY, 0, 0).pausedUntilMs).toBe(2_500);
    expect(pause(HEALTHY, 0, 0.999).pausedUntilMs).toBeCloseTo(7_495);
  });

  it('comes back by a probe only, not by an old request that ends well', () => {
    const paused = pause(HEALTHY, 0, 0.5);
    expect(trustOf(afterSuccess(paused, false), 0)).toBe('paused');
    expect(trustOf(afterSuccess(paused, true), 0)).toBe('ready');
  });
});

describe('a pace', () => {
  it('shows a slowdown by silence alone, before any text came', () => {
    const pace = new ProviderPace();
    expect(pace.latencyMs([], 0)).toBeNull();
    pace.observeText(true, 300, 4);
    for (let i = 0; i < 50; i++) pace.observeText(false, 20, 4);
    pace.observeEnd();
    expect(pace.latencyMs([], 0)).toBe(1_300);
    const waiting = [{ startedMs: 0, lastTextMs: null }];
    expect(pace.isSlowedDown(pace.latencyMs(waiting, 1_000) as number)).toBe(false);
    expect(pace.isSlowedDown(pace.latencyMs(waiting, 4_000) as number)).toBe(true);
  });
});
