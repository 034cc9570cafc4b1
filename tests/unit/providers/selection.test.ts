import { describe, expect, it } from 'vitest';
import { pause } from '../../../server/domains/providers/health.ts';
import { LiveProvider, ProviderStanding } from '../../../server/domains/providers/live-provider.ts';
import type { ScoredCandidate, ScoringCore } from '../../../server/domains/providers/ports.ts';
import { type Eligible, selectProvider } from '../../../server/domains/providers/selection.ts';
import { asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import { createGatewayCore, createServerCore } from '../../support/core.ts';
import { createSeededRandom } from '../../support/random.ts';

const core = createServerCore();

function provider(id: string, price: number, slots = 2): Eligible {
  const live = new LiveProvider(
    {
      id,
      deviceId: asId<DeviceId>(id),
      tenantId: asId<TenantId>('t'),
      link: { request: () => true, grant: () => true, cancel: () => true },
    },
    new ProviderStanding(),
    { slots, models: [{ name: 'm', prices: onePrice(price), contextTokens: 100, continuesAnswers: false }] },
  );
  return { provider: live, model: live.models[0] as Eligible['model'] };
}

const dependencies = () => ({
  core,
  random: createSeededRandom(7),
  qualityOf: () => ({ quality: 0.8, availability: 0.8 }),
});
const busy = () => ({ startedMs: 0, lastTextMs: null });

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
    const cheap = provider('cheap', 1, 1);
    cheap.provider.running.add(busy());
    const dear = provider('dear', 1_000);
    const chosen = selectProvider([cheap, dear], 0, dependencies());
    expect(chosen).toMatchObject({ ok: true, chosen: { provider: { id: 'dear' } } });
    dear.provider.replaceOffer({ slots: 1, models: [dear.model] });
    dear.provider.running.add(busy());
    expect(selectProvider([cheap, dear], 0, dependencies())).toEqual({ ok: false, reason: 'all_busy' });
  });

  it('takes the better half by score', () => {
    const all = [provider('a', 10), provider('b', 11), provider('c', 500), provider('d', 600)];
    const random = dependencies();
    const chosen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const selection = selectProvider(all, 0, random);
      if (selection.ok) chosen.add(selection.chosen.provider.id);
    }
    expect([...chosen].sort()).toEqual(['a', 'b']);
  });

  it('lets equals take turns by what each was given', () => {
    const all = Array.from({ length: 4 }, (_, i) => provider(String(i), 10, 100));
    const random = dependencies();
    const given = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const selection = selectProvider(all, i, random);
      if (!selection.ok) throw new Error('nobody');
      const { provider: taken } = selection.chosen;
      taken.standing.addDebt(100, i);
      given.set(taken.id, (given.get(taken.id) ?? 0) + 1);
    }
    for (const count of given.values()) expect(count).toBeGreaterThan(70);
    expect(given.size).toBe(4);
  });

  it('gives a provider whose pause is over one request, and the rest to others', () => {
    const [good, back] = [provider('good', 10), provider('back', 1)];
    back.provider.standing.health = pause(back.provider.standing.health, 0, 0.5);
    expect(selectProvider([back], 1_000, dependencies())).toEqual({ ok: false, reason: 'all_unhealthy' });
    expect(selectProvider([good, back], 1_000, dependencies())).toMatchObject({
      chosen: { provider: { id: 'good' } },
    });
    expect(selectProvider([good, back], 5_000, dependencies())).toMatchObject({
      chosen: { provider: { id: 'back' } },
      isProbe: true,
    });
    back.provider.probe = busy();
    expect(selectProvider([good, back], 5_000, dependencies())).toMatchObject({
      chosen: { provider: { id: 'good' } },
    });
  });

  it('puts aside who has become several times slower, unless all have', () => {
    const all = [provider('a', 10), provider('b', 10), provider('c', 10)];
    for (const { provider: each } of all) {
      each.standing.pace.observeText(true, 600, 4);
      each.standing.pace.observeEnd();
    }
    const [slow, other, third] = all as [Eligible, Eligible, Eligible];
    slow.provider.running.add({ startedMs: 0, lastTextMs: null });
    selectProvider(all, 2_000, dependencies());
    expect(slow.provider.standing.health.pausedUntilMs).not.toBeNull();
    for (const { provider: each } of [other, third]) each.running.add({ startedMs: 0, lastTextMs: null });
    selectProvider([other, third], 2_000, dependencies());
    expect(other.provider.standing.health.pausedUntilMs).toBeNull();
  });

  it('scores each free provider by what it asks, has shown, was given and works on', () => {
    const [owed, given, full] = [provider('owed', 30, 4), provider('given', 20, 2), provider('full', 1, 1)];
    full.provider.running.add(busy());
    owed.provider.running.add(busy());
    owed.provider.standing.pace.observeText(true, 1_250, 4);
    given.provider.standing.addDebt(600, 1_000);
    const quality = new Map([
      ['owed', { quality: 0.5, availability: 0.75 }],
      ['given', { quality: 0.25, availability: 1 }],
    ]);
    const scored: ScoredCandidate[] = [];
    selectProvider([full, owed, given], 1_000, {
      core: oneByOne((candidates) => scored.push(...candidates)),
      random: createSeededRandom(7),
      qualityOf: (id) => quality.get(id) ?? { quality: 0, availability: 0 },
    });
    expect(scored).toEqual([
      { price: 30, quality: 0.5, latencyMs: 1_250, availability: 0.75, fairness: 1, utilization: 0.25 },
      // It has shown no latency, so it counts as typical; it was given twice the mean.
      {
        price: 20,
        quality: 0.25,
        latencyMs: 1_250,
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
        const each = provider(String(i), 10 + upTo(3), 4);
        for (let running = upTo(3); running > 0; running--) each.provider.running.add(busy());
        each.provider.standing.addDebt(100 * upTo(3), 0);
        each.provider.standing.pace.observeText(true, 200 + 100 * upTo(2), 4);
        return each;
      });
      const choose = (scoring: ScoringCore) =>
        selectProvider(all, 100, { ...dependencies(), core: scoring, random: createSeededRandom(round) });
      const [four, single] = [choose(core), choose(one)];
      if (!four.ok || !single.ok) throw new Error('nobody');
      expect(four.chosen.provider.id).toBe(single.chosen.provider.id);
      const bits = ({ candidates }: ScoringCore) =>
        new Uint32Array(candidates.scores.slice(0, all.length).buffer);
      expect(bits(core)).toEqual(bits(one));
    }
  });
});

/** One price for everything, in whole cents. */
function onePrice(cents: number) {
  const price = BigInt(cents) * 1_000_000n;
  return { prompt: price, cachedPrompt: price, completion: price };
}
