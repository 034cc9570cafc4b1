import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  type Failure,
  HEALTHY,
  type ProviderHealth,
  pause,
  trustOf,
} from '../../../server/domains/providers/health.ts';
import { ModelPace } from '../../../server/domains/providers/pace.ts';
import { SlotLimit } from '../../../server/domains/providers/slot-limit.ts';
import { waitingRequest } from '../../support/offers.ts';

let accounts = 0;
/** A failure that another account saw than all before. */
const seen = (changes: Partial<Failure> = {}): Failure => ({
  wasProbe: false,
  accountId: `account ${accounts++}`,
  isItsOwn: false,
  ...changes,
});
const fail = (health: ProviderHealth, failure = seen()) => afterFailure(health, failure, 0, 0.5);
const succeed = (health: ProviderHealth, wasProbe = false) => afterSuccess(health, wasProbe, 'another');

describe('a provider', () => {
  it('is put aside after three failures in a row, not after two and a success', () => {
    let health = fail(fail(HEALTHY));
    expect(trustOf(succeed(health), 0)).toBe('ready');
    health = fail(health);
    expect(trustOf(health, 4_999)).toBe('paused');
    expect(trustOf(health, 5_000)).toBe('probe');
  });

  it('is put aside by no single account, whatever it asks and how often, and loses nothing more', () => {
    const failure = seen();
    const once = fail(HEALTHY, failure);
    let health = once;
    for (let count = 0; count < 100; count++) {
      health = fail(health, failure);
      if (count % 2 === 0) health = afterSuccess(health, false, failure.accountId);
    }
    expect(trustOf(health, 0)).toBe('ready');
    expect(health.successRate).toBeGreaterThanOrEqual(once.successRate);
    expect(trustOf(fail(fail(fail(health, failure), failure)), 0)).toBe('paused');
  });

  it('is put aside at once by what it alone can have caused, whoever sees it', () => {
    const failure = seen({ isItsOwn: true });
    expect(trustOf(fail(fail(fail(HEALTHY, failure), failure), failure), 0)).toBe('paused');
  });

  it('is put aside when most fail, though never three in a row, and not when a quarter does', () => {
    let health = HEALTHY;
    for (let i = 0; i < 40; i++) health = succeed(fail(health));
    expect(trustOf(health, 0)).toBe('paused');
    health = HEALTHY;
    for (let i = 0; i < 40; i++) health = succeed(succeed(succeed(fail(health))));
    expect(trustOf(health, 0)).toBe('ready');
    expect(health.successRate).toBeLessThan(0.85);
  });

  it('pauses twice as long after each failed probe, with jitter, and never so long that it waits a minute', () => {
    let health = pause(HEALTHY, 0, 0.5);
    const lengths = Array.from({ length: 5 }, () => {
      health = fail(health, seen({ wasProbe: true }));
      return health.pausedUntilMs;
    });
    expect(lengths).toEqual([10_000, 20_000, 36_000, 36_000, 36_000]);
    expect(pause(HEALTHY, 0, 0).pausedUntilMs).toBe(2_500);
    expect(pause(health, 0, 0.999).pausedUntilMs).toBeLessThan(60_000);
  });

  it('comes back by a probe only, not by an old request that ends well', () => {
    const paused = pause(HEALTHY, 0, 0.5);
    expect(trustOf(succeed(paused), 0)).toBe('paused');
    expect(trustOf(succeed(paused, true), 0)).toBe('ready');
  });
});

describe('a pace', () => {
  it('shows a slowdown by silence alone, before any text came', () => {
    const pace = new ModelPace();
    expect(pace.latencyMs([], 0)).toBeNull();
    pace.observeFirstText(0, 300);
    for (let i = 0; i < 50; i++) pace.observeMoreText(20, 4);
    pace.observeEnd(0, 300);
    expect(pace.latencyMs([], 0)).toBe(1_300);
    const waiting = [waitingRequest()];
    expect(pace.isSlowedDown(pace.latencyMs(waiting, 500) as number)).toBe(false);
    expect(pace.isSlowedDown(pace.latencyMs(waiting, 4_000) as number)).toBe(true);
  });

  it('takes a long prompt for no slowdown, seen before or not, and a short one that takes as long for one', () => {
    const pace = new ModelPace();
    const answer = (promptTokens: number) => {
      pace.observeFirstText(promptTokens, 300 + 3 * promptTokens);
      pace.observeMoreText(20, 4);
      pace.observeEnd(promptTokens, 300 + 3 * promptTokens);
    };
    const isSlow = (promptTokens: number, waitedMs: number) =>
      pace.isSlowedDown(pace.latencyMs([waitingRequest({ promptTokens })], waitedMs) as number);
    for (let i = 0; i < 20; i++) answer(100);
    expect(isSlow(12_000, 36_000)).toBe(false);
    for (let i = 0; i < 20; i++) answer(i % 2 === 0 ? 12_000 : 100);
    expect(isSlow(12_000, 36_000)).toBe(false);
    expect(isSlow(100, 60_000)).toBe(true);
  });
});

describe('the slots of a provider', () => {
  const request = (place: number, startedMs = 0) => ({ place, promptTokens: 0, startedMs });

  it('are believed up to a few, and more as it shows them', () => {
    const limit = new SlotLimit();
    expect(limit.slotsOf(1_000)).toBe(4);
    for (let place = 1; place <= 20; place++) limit.observeFirstText(request(place), 300, 0);
    expect(limit.slotsOf(1_000)).toBeGreaterThan(15);
    expect(limit.slotsOf(2)).toBe(2);
  });

  it('are fewer after it says that it is busy, and after requests waited in it, once for those that were there', () => {
    const limit = new SlotLimit();
    limit.observeBusy(2, 0);
    expect(limit.slotsOf(100)).toBe(2);
    const liar = new SlotLimit();
    liar.observeFirstText(request(1), 300, 300);
    liar.noteText(7_900);
    liar.observeFirstText(request(3), 8_000, 8_000);
    expect(liar.slotsOf(100)).toBe(2);
    liar.observeFirstText(request(4), 9_000, 9_000);
    expect(liar.slotsOf(100)).toBe(2);
    liar.noteText(13_000);
    liar.observeWait(request(2, 9_000), 5_000, 14_000);
    expect(liar.slotsOf(100)).toBe(1);
  });

  it('are not fewer because a model is being loaded, while nobody has text', () => {
    const limit = new SlotLimit();
    for (let place = 1; place <= 4; place++) limit.observeWait(request(place), 60_000, 60_000);
    expect(limit.slotsOf(100)).toBe(4);
  });
});
