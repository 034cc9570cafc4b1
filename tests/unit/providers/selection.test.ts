import { describe, expect, it } from 'vitest';
import { afterFailure, pause } from '../../../server/domains/providers/health.ts';
import { EXPLORED_AFTER_MS, EXPLORED_EVERY } from '../../../server/domains/providers/limits.ts';
import type { Eligible, ModelMarket } from '../../../server/domains/providers/model-market.ts';
import type { ScoredCandidate, ScoringCore } from '../../../server/domains/providers/ports.ts';
import {
  type ChoiceWish,
  type Selection,
  selectProvider,
} from '../../../server/domains/providers/selection.ts';
import { createGatewayCore, createServerCore } from '../../support/core.ts';
import { marketOf, offerOf, waitingRequest, wishOf } from '../../support/offers.ts';
import { createSeededRandom } from '../../support/random.ts';

const core = createServerCore();
const dependencies = () => ({
  core,
  random: createSeededRandom(7),
  qualityOf: () => ({ quality: 0.8, availability: 0.8 }),
});
const choose = (market: ModelMarket, nowMs = 0, changes: Partial<ChoiceWish> = {}): Selection =>
  selectProvider(market, wishOf(changes), nowMs, dependencies());

/** Who gets how many of so many requests, each done at once. */
function sharesOf(offers: readonly Eligible[], requests: number, changes: Partial<ChoiceWish> = {}) {
  const market = marketOf(offers);
  const given: Record<string, number> = {};
  const random = dependencies();
  for (let count = 0; count < requests; count++) {
    const selection = selectProvider(market, wishOf(changes), count * 100, random);
    if (!selection.ok) throw new Error('nobody');
    const { standing, id } = selection.chosen.provider;
    standing.addDebt(100, count * 100);
    given[id] = (given[id] ?? 0) + 1;
  }
  return given;
}

// The device's build behind the same port: it scores one candidate after the other, from objects.
function oneByOne(onScored: (candidates: readonly ScoredCandidate[]) => void = () => {}): ScoringCore {
  const device = createGatewayCore();
  const column = () => new Float32Array(device.candidatesMax).fill(Number.NaN);
  const candidates = {
    price: column(),
    quality: column(),
    latencyMs: column(),
    availability: column(),
    fairness: column(),
    utilization: column(),
    scores: column(),
  };
  return {
    candidatesMax: device.candidatesMax,
    candidates,
    scoreBatch: (count) => {
      const { scores, ...columns } = candidates;
      const rows = Array.from(
        { length: count },
        (_, i) =>
          Object.fromEntries(
            Object.entries(columns).map(([name, values]) => [name, values[i]]),
          ) as unknown as ScoredCandidate,
      );
      onScored(rows);
      const scored = device.score(rows);
      if (scored.ok) scores.set(scored.scores);
      return scored;
    },
  };
}

describe('selection', () => {
  it('never takes a provider without a free slot, however good', () => {
    const [cheap, dear] = [offerOf('cheap', 1, 1), offerOf('dear', 1_000, 1)];
    const market = marketOf([cheap, dear]);
    cheap.provider.running.add(waitingRequest());
    expect(choose(market)).toMatchObject({ ok: true, chosen: { provider: { id: 'dear' } } });
    dear.provider.running.add(waitingRequest());
    dear.provider.standing.touch();
    expect(choose(market)).toEqual({ ok: false, reason: 'all_busy' });
  });

  it.each([2, 3, 5])('gives each of %i equals the same', (count) => {
    const equals = Array.from({ length: count }, (_, i) => offerOf(String(i), 10, 100));
    const given = Object.values(sharesOf(equals, 60 * count));
    expect(Math.max(...given) - Math.min(...given)).toBeLessThanOrEqual(1);
    expect(given).toHaveLength(count);
  });

  it('gives the dearer less, and the more the dearer it is', () => {
    const given = sharesOf([offerOf('10', 10, 100), offerOf('20', 20, 100), offerOf('30', 30, 100)], 300);
    expect(given['10']).toBeGreaterThan((given['20'] ?? 0) * 1.3);
    expect(given['20']).toBeGreaterThan(given['30'] ?? 0);
    expect(given['30']).toBeGreaterThan(30);
  });

  it('takes share by degrees from who fails a quarter of its requests', () => {
    const [good, unreliable] = [offerOf('good', 10, 100), offerOf('unreliable', 10, 100)];
    unreliable.provider.standing.health = { ...unreliable.provider.standing.health, successRate: 0.75 };
    const given = sharesOf([good, unreliable], 200);
    expect(given.unreliable).toBeLessThan(70);
    expect(given.unreliable).toBeGreaterThan(20);
  });

  it('asks nobody beyond the highest price, also when nobody else has a slot', () => {
    const [fair, gouger] = [offerOf('fair', 10, 1), offerOf('gouger', 10_000, 4)];
    const market = marketOf([fair, gouger]);
    const guard = { priceMax: market.medianPrice * 5 };
    expect(choose(market, 0, guard)).toMatchObject({ chosen: { provider: { id: 'fair' } } });
    fair.provider.running.add(waitingRequest());
    fair.provider.standing.touch();
    expect(choose(market, 0, guard)).toEqual({ ok: false, reason: 'all_busy' });
    expect(choose(market)).toMatchObject({ chosen: { provider: { id: 'gouger' } } });
  });

  it('takes the median price over owners, so that no cartel of one owner’s devices moves it', () => {
    const devices = Array.from({ length: 9 }, (_, i) => offerOf(`dear ${i}`, 10_000, 1, 'one owner'));
    const market = marketOf([offerOf('a', 10), offerOf('b', 12), offerOf('free', 0), ...devices]);
    expect(market.medianPrice).toBe(12);
  });

  it('gives who is new a request when it has waited, or when others had enough', () => {
    const [known, fresh] = [offerOf('known', 1, 100), offerOf('fresh', 4, 100)];
    const market = marketOf([known]);
    market.add(fresh, 0);
    known.provider.standing.addDebt(10, 0);
    expect(choose(market, EXPLORED_AFTER_MS)).toMatchObject({
      chosen: { provider: { id: 'fresh' } },
      reason: 'exploration',
    });
    const again = marketOf([known]);
    again.add(offerOf('fresh', 4, 100), 0);
    const reasons = Array.from({ length: EXPLORED_EVERY }, () => {
      const selection = choose(again);
      return selection.ok ? selection.reason : '';
    });
    expect(reasons.indexOf('exploration')).toBe(EXPLORED_EVERY - 1);
  });

  it('prefers who has the prompt in its cache while that costs others little', () => {
    const [owed, cached] = [offerOf('owed', 10, 100), offerOf('cached', 10, 100)];
    const market = marketOf([owed, cached]);
    cached.provider.standing.addDebt(50, 0);
    expect(choose(market, 0, { cachedAt: 'cached' })).toMatchObject({
      chosen: { provider: { id: 'cached' } },
      reason: 'cache',
    });
    cached.provider.standing.addDebt(1_000, 0);
    expect(choose(market, 0, { cachedAt: 'cached' })).toMatchObject({ chosen: { provider: { id: 'owed' } } });
  });

  it('asks last whom this account has seen fail, and is not in the way of others', () => {
    const [failing, other] = [offerOf('failing', 10, 100), offerOf('other', 10, 100)];
    const { standing } = failing.provider;
    standing.health = afterFailure(
      standing.health,
      { wasProbe: false, accountId: 'unlucky', isItsOwn: false },
      0,
      0.5,
    );
    other.provider.standing.addDebt(500, 0);
    const market = marketOf([failing, other]);
    expect(choose(market, 0, { accountId: 'unlucky' })).toMatchObject({
      chosen: { provider: { id: 'other' } },
    });
    expect(choose(market)).toMatchObject({ chosen: { provider: { id: 'failing' } } });
  });

  it('gives a provider whose pause is over one request, and the rest to others', () => {
    const [good, back] = [offerOf('good', 10), offerOf('back', 1)];
    const { standing } = back.provider;
    standing.health = pause(standing.health, 0, 0.5);
    expect(choose(marketOf([back]), 1_000)).toEqual({ ok: false, reason: 'all_unhealthy' });
    const market = marketOf([good, back]);
    expect(choose(market, 1_000)).toMatchObject({ chosen: { provider: { id: 'good' } } });
    expect(choose(market, 5_000)).toMatchObject({ chosen: { provider: { id: 'back' } }, isProbe: true });
    standing.probe = waitingRequest();
    expect(choose(market, 5_000)).toMatchObject({ chosen: { provider: { id: 'good' } } });
  });

  it('leaves alone whose endpoint has no room, also when its pause is over', () => {
    const [good, back] = [offerOf('good', 10), offerOf('back', 1)];
    const { standing } = back.provider;
    standing.health = pause(standing.health, 0, 0.5);
    standing.rest('m', 60_000, 'told');
    const market = marketOf([good, back]);
    expect(choose(market, 59_999)).toMatchObject({ chosen: { provider: { id: 'good' } }, isProbe: false });
    expect(choose(market, 60_000)).toMatchObject({ chosen: { provider: { id: 'back' } }, isProbe: true });
  });

  it('leaves an endpoint without room to others, until several accounts were told so', () => {
    const [full, other] = [offerOf('full', 1), offerOf('other', 1_000)];
    const market = marketOf([full, other]);
    full.provider.standing.rest('m', 60_000, 'told');
    for (let count = 0; count < 5; count++)
      expect(choose(market, 1_000, { accountId: 'told' })).toMatchObject({
        chosen: { provider: { id: 'other' } },
      });
    expect(choose(market, 1_000)).toMatchObject({ chosen: { provider: { id: 'full' } } });
    expect(choose(marketOf([full]), 1_000, { accountId: 'told' })).toEqual({ ok: false, reason: 'all_busy' });
    full.provider.standing.rest('m', 60_000, 'another');
    expect(choose(market, 1_000)).toMatchObject({ chosen: { provider: { id: 'other' } } });
    expect(choose(market, 60_000)).toMatchObject({ chosen: { provider: { id: 'full' } } });
  });

  it('puts aside who has become several times slower, unless all have', () => {
    const all = ['a', 'b', 'c'].map((id) => offerOf(id, 10));
    for (const { provider } of all) {
      const pace = provider.standing.paceOf('m');
      pace.observeFirstText(0, 600);
      pace.observeMoreText(10, 4);
      pace.observeEnd(0, 600);
    }
    const [slow, other, third] = all as [Eligible, Eligible, Eligible];
    const market = marketOf(all);
    slow.provider.running.add(waitingRequest());
    choose(market, 3_500);
    expect(slow.provider.standing.health.pausedUntilMs).not.toBeNull();
    for (const { provider } of [other, third]) {
      provider.running.add(waitingRequest());
      provider.standing.touch();
    }
    choose(market, 3_500);
    expect(other.provider.standing.health.pausedUntilMs).toBeNull();
  });

  it('scores each by what it asks, has shown, was given and works on', () => {
    const [owed, given, full] = [offerOf('owed', 30, 4), offerOf('given', 20, 2), offerOf('full', 1, 1)];
    full.provider.running.add(waitingRequest({ lastTextMs: 1_000 }));
    owed.provider.standing.paceOf('m').observeFirstText(0, 1_250);
    owed.provider.running.add(waitingRequest({ lastTextMs: 1_000 }));
    given.provider.standing.addDebt(600, 1_000);
    const quality = new Map([
      ['owed', { quality: 0.5, availability: 0.75 }],
      ['given', { quality: 0.25, availability: 1 }],
    ]);
    const scored: ScoredCandidate[] = [];
    selectProvider(marketOf([full, owed, given]), wishOf(), 1_000, {
      core: oneByOne((candidates) => scored.push(...candidates)),
      random: createSeededRandom(7),
      qualityOf: (id) => quality.get(id) ?? { quality: 0, availability: 0 },
    });
    expect(scored.slice(1)).toEqual([
      { price: 30, quality: 0.5, latencyMs: 1_250, availability: 0.75, fairness: 1, utilization: 0.25 },
      // It has shown no latency, so it counts as usual; it was given twice the mean.
      {
        price: 20,
        quality: 0.25,
        latencyMs: 2_000,
        availability: 1,
        fairness: Math.fround(1 / 3),
        utilization: 0,
      },
    ]);
  });

  it('chooses the same, four providers at a time, as with scores made one by one, ties included', () => {
    const world = createSeededRandom(11);
    const upTo = (n: number) => Math.floor(world.fraction() * n);
    const one = oneByOne();
    for (let round = 0; round < 300; round++) {
      // Few prices, paces and debts, so that many scores are equal.
      const all = Array.from({ length: 1 + upTo(one.candidatesMax) }, (_, i) => {
        const each = offerOf(String(i), 10 + upTo(3), 4);
        for (let running = upTo(3); running > 0; running--) each.provider.running.add(waitingRequest());
        each.provider.standing.addDebt(100 * upTo(3), 0);
        each.provider.standing.paceOf('m').observeFirstText(0, 200 + 100 * upTo(2));
        return each;
      });
      const market = marketOf(all);
      const chooseBy = (scoring: ScoringCore) =>
        selectProvider(market, wishOf(), 100, {
          ...dependencies(),
          core: scoring,
          random: createSeededRandom(round),
        });
      const [four, single] = [chooseBy(core), chooseBy(one)];
      if (!four.ok || !single.ok) throw new Error('nobody');
      expect(four.chosen.provider.id).toBe(single.chosen.provider.id);
      const bits = ({ candidates }: ScoringCore) =>
        new Uint32Array(candidates.scores.slice(0, all.length).buffer);
      expect(bits(core)).toEqual(bits(one));
    }
  });
});
