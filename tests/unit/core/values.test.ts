import { describe, expect, it } from 'vitest';
import type { Candidate, PriceRequest, QualityState } from '../../../assembly/host/index.ts';
import { openCores, openServerCore } from './cores.ts';
import { f32Hex, scoreReference } from './reference.ts';

const CANDIDATE: Candidate = {
  price: 10,
  quality: 0.9,
  latencyMs: 120,
  availability: 0.99,
  fairness: 0.5,
  utilization: 0.25,
};
const PRICED: PriceRequest = {
  tokens: { prompt: 200n, cachedPrompt: 50n, completion: 31n },
  priceMicrocentsPer1000Tokens: { prompt: 25_000_000n, cachedPrompt: 25_000_000n, completion: 25_000_000n },
  roundingUnitMicrocents: 1_000_000n,
};
const SAMPLE = { quality: 0.5, latency: 0.5, availability: 0.5 };
const HALF_LIFE_MS = 60_000;

describe.each(openCores())('%s', (_name, core) => {
  it('prices in micro-cents unless it is told a unit', () => {
    const { roundingUnitMicrocents: _, ...request } = PRICED;
    expect(core.price(request)).toEqual({ ok: true, costMicrocents: 7_025_000n });
    expect(core.price(PRICED)).toEqual({ ok: true, costMicrocents: 8_000_000n });
  });

  it.each(['prompt', 'cachedPrompt', 'completion'])(
    'prices the tokens of a %s at their own price',
    (kind) => {
      const none = { prompt: 0n, cachedPrompt: 0n, completion: 0n };
      const tokens = { ...none, [kind]: 1000n };
      const priceMicrocentsPer1000Tokens = { prompt: 7n, cachedPrompt: 7n, completion: 7n, [kind]: 5n };
      expect(core.price({ tokens, priceMicrocentsPer1000Tokens })).toEqual({ ok: true, costMicrocents: 5n });
    },
  );

  it('refuses prices and costs that are no unsigned 64-bit integers', () => {
    const refusal = { ok: false, reason: 'out_of_range' };
    for (const wrong of [-1n, 2n ** 64n]) {
      for (const kind of ['prompt', 'cachedPrompt', 'completion']) {
        expect(core.price({ ...PRICED, tokens: { ...PRICED.tokens, [kind]: wrong } })).toEqual(refusal);
        const prices = { ...PRICED.priceMicrocentsPer1000Tokens, [kind]: wrong };
        expect(core.price({ ...PRICED, priceMicrocentsPer1000Tokens: prices })).toEqual(refusal);
      }
      expect(core.price({ ...PRICED, roundingUnitMicrocents: wrong })).toEqual(refusal);
    }
    expect(core.price({ ...PRICED, roundingUnitMicrocents: 0n })).toEqual(refusal);
    expect(core.split(2n ** 64n, 0)).toEqual(refusal);
    expect(core.split(-1n, 0)).toEqual(refusal);
  });

  it('refuses basis points that are no whole number from 0 to 10,000', () => {
    for (const basisPoints of [-1, 10_001, 0.5, Number.NaN, 2 ** 32, Number.POSITIVE_INFINITY]) {
      expect(core.split(100n, basisPoints), String(basisPoints)).toEqual({
        ok: false,
        reason: 'out_of_range',
      });
    }
  });

  it.each(Object.keys(CANDIDATE))('refuses a candidate whose %s is no number or infinite', (field) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.001, 1e39]) {
      for (const place of [0, 4]) {
        const candidates = Array.from({ length: 5 }, (_, i) =>
          i === place ? { ...CANDIDATE, [field]: value } : CANDIDATE,
        );
        expect(core.score(candidates), `${value} at ${place}`).toEqual({ ok: false, reason: 'out_of_range' });
      }
    }
  });

  it('takes negative zeros as zeros', () => {
    const zeros = Object.fromEntries(
      Object.keys(CANDIDATE).map((field) => [field, -0]),
    ) as unknown as Candidate;
    const result = core.score([zeros, CANDIDATE]);
    expect(result.ok && [...result.scores].map(f32Hex)).toEqual(
      scoreReference(
        [zeros, CANDIDATE].map((candidate) => ({ ...candidate, price: candidate.price + 0 })),
      ).map(f32Hex),
    );
  });

  it('refuses more candidates and more samples than it has room for, and takes as many', () => {
    const candidates = Array.from({ length: core.candidatesMax }, () => CANDIDATE);
    expect(core.score(candidates).ok).toBe(true);
    expect(core.score([...candidates, CANDIDATE])).toEqual({ ok: false, reason: 'out_of_range' });
    const samples = Array.from({ length: core.samplesMax }, (_, i) => ({ ...SAMPLE, ageMs: i }));
    expect(core.weigh(samples, HALF_LIFE_MS).ok).toBe(true);
    expect(core.weigh([...samples, { ...SAMPLE, ageMs: 0 }], HALF_LIFE_MS)).toEqual({
      ok: false,
      reason: 'out_of_range',
    });
  });

  it('refuses qualities, times and half-lives outside their range', () => {
    const refusal = { ok: false, reason: 'out_of_range' };
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, -1e-9];
    for (const value of bad) {
      expect(core.weigh([{ ...SAMPLE, ageMs: value }], HALF_LIFE_MS)).toEqual(refusal);
      expect(core.weigh([{ ...SAMPLE, ageMs: 0 }], value)).toEqual(refusal);
      expect(core.updateQuality(null, { ...SAMPLE, timeMs: value }, HALF_LIFE_MS)).toEqual(refusal);
      expect(core.updateQuality(null, { ...SAMPLE, timeMs: 0 }, value)).toEqual(refusal);
      for (const component of Object.keys(SAMPLE)) {
        const sample = { ...SAMPLE, [component]: value };
        expect(core.weigh([{ ...sample, ageMs: 0 }], HALF_LIFE_MS)).toEqual(refusal);
        expect(core.updateQuality(null, { ...sample, timeMs: 0 }, HALF_LIFE_MS)).toEqual(refusal);
      }
    }
    expect(core.weigh([{ ...SAMPLE, latency: 1.0001, ageMs: 0 }], HALF_LIFE_MS)).toEqual(refusal);
    expect(core.weigh([{ ...SAMPLE, ageMs: 0 }], 0)).toEqual(refusal);
  });

  it('refuses a running assessment that was tampered with', () => {
    const first = core.updateQuality(null, { ...SAMPLE, timeMs: 1 }, HALF_LIFE_MS);
    if (!first.ok) throw new Error(first.reason);
    const broken: Partial<QualityState>[] = [
      { quality: 1.5 },
      { latency: -1 },
      { availability: Number.NaN },
      { weight: -1 },
      { weight: Number.NaN },
      { lastTimeMs: Number.POSITIVE_INFINITY },
    ];
    for (const part of broken) {
      const state = { ...first.assessment, ...part };
      expect(core.updateQuality(state, { ...SAMPLE, timeMs: 2 }, HALF_LIFE_MS)).toEqual({
        ok: false,
        reason: 'out_of_range',
      });
    }
  });

  it('weighs a sample less the older it is, exactly half after a half-life', () => {
    const weightAt = (ageMs: number) => {
      const result = core.weigh([{ ...SAMPLE, ageMs }], HALF_LIFE_MS);
      return result.ok ? result.assessment.weight : Number.NaN;
    };
    let last = 1;
    for (let ageMs = 1; ageMs < 4 * HALF_LIFE_MS; ageMs += 997) {
      const weight = weightAt(ageMs);
      expect(weight).toBeLessThan(last);
      expect(Math.abs(weight / 2 ** (-ageMs / HALF_LIFE_MS) - 1)).toBeLessThan(2.3e-9);
      last = weight;
    }
    expect([0, 1, 2, 10, 1022].map((n) => weightAt(n * HALF_LIFE_MS))).toEqual([
      1,
      0.5,
      0.25,
      2 ** -10,
      2 ** -1022,
    ]);
    expect(weightAt(1023 * HALF_LIFE_MS)).toBe(0);
  });
});

describe('scoreBatch', () => {
  const core = openServerCore();

  it('scores at least 10,240 candidates, with the bits of a plain f32 reference', () => {
    expect(core.candidatesMax).toBeGreaterThanOrEqual(10_240);
    const candidates = Array.from({ length: 10_239 }, (_, i) => ({
      price: 1 + ((i * 31) % 577) / 7,
      quality: ((i * 17) % 101) / 100,
      latencyMs: 20 + ((i * 53) % 991) / 3,
      availability: ((i * 29) % 103) / 102,
      fairness: ((i * 43) % 97) / 96,
      utilization: ((i * 7) % 12) / 10,
    }));
    for (const [i, candidate] of candidates.entries()) {
      core.candidates.price[i] = candidate.price;
      core.candidates.quality[i] = candidate.quality;
      core.candidates.latencyMs[i] = candidate.latencyMs;
      core.candidates.availability[i] = candidate.availability;
      core.candidates.fairness[i] = candidate.fairness;
      core.candidates.utilization[i] = candidate.utilization;
    }
    expect(core.scoreBatch(candidates.length)).toEqual({ ok: true });
    const scores = core.candidates.scores.subarray(0, candidates.length);
    expect([...scores].map(f32Hex)).toEqual(scoreReference(candidates).map(f32Hex));
  });

  it.each([0, 1, 2, 3])('finds a wrong share in lane %i', (lane) => {
    const arrays = Object.entries(core.candidates).filter(([name]) => name !== 'scores');
    for (const [name, array] of arrays) {
      for (const [, other] of arrays) other.fill(0.5, 0, 8);
      expect(core.scoreBatch(8).ok).toBe(true);
      array[4 + lane] = Number.NaN;
      expect(core.scoreBatch(8), name).toEqual({ ok: false, reason: 'out_of_range' });
    }
  });
});
