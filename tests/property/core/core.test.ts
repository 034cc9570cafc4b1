import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QualityState } from '../../../assembly/host/index.ts';
import { openCores, openServerCore, toHex } from '../../unit/core/cores.ts';
import { agedAt, f32Hex, priceReference, scoreReference, weighReference } from '../../unit/core/reference.ts';

const U64_MAX = 2n ** 64n - 1n;
const HALF_LIFE_MS = 60_000;

// Small amounts, amounts around 2^32, and all there are.
const amount = fc.oneof(
  fc.bigInt(0n, 5000n),
  fc.bigInt(2n ** 32n - 5n, 2n ** 32n + 5n),
  fc.bigInt(0n, U64_MAX),
);
const threeOf = (one: fc.Arbitrary<bigint>) => fc.record({ prompt: one, cachedPrompt: one, completion: one });
const roundingUnit = fc.oneof(fc.constantFrom(1n, 1_000_000n), fc.bigInt(1n, 5000n), amount);
// What people use and pay, the same with sums around 2^64, and everything else.
const priceRequest = fc.oneof(
  fc.record({
    tokens: threeOf(fc.bigInt(0n, 2_000_000n)),
    priceMicrocentsPer1000Tokens: threeOf(fc.bigInt(0n, 100_000_000n)),
    roundingUnitMicrocents: roundingUnit,
  }),
  fc.record({
    tokens: threeOf(fc.bigInt(2n ** 31n - 5n, 2n ** 32n)),
    priceMicrocentsPer1000Tokens: threeOf(fc.bigInt(2n ** 30n, 2n ** 32n)),
    roundingUnitMicrocents: roundingUnit,
  }),
  fc.record({
    tokens: threeOf(amount),
    priceMicrocentsPer1000Tokens: threeOf(amount),
    roundingUnitMicrocents: roundingUnit,
  }),
);
const KINDS = ['prompt', 'cachedPrompt', 'completion'] as const;
const share = fc.float({ min: 0, max: 1, noNaN: true });
const amountF32 = fc.oneof(
  fc.float({ min: 0, max: 1000, noNaN: true }),
  fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 1, 50),
);
const candidate = fc.record({
  price: amountF32,
  quality: share,
  latencyMs: amountF32,
  availability: share,
  fairness: share,
  utilization: fc.float({ min: 0, max: 1.5, noNaN: true }),
});
const components = {
  quality: fc.double({ min: 0, max: 1, noNaN: true }),
  latency: fc.double({ min: 0, max: 1, noNaN: true }),
  availability: fc.double({ min: 0, max: 1, noNaN: true }),
};

describe.each(openCores())('%s', (_name, core) => {
  it('prices as BigInt does, and refuses exactly what does not fit 64 bits', () => {
    fc.assert(
      fc.property(priceRequest, (request) => {
        expect(core.price(request)).toEqual(priceReference(request));
      }),
      { numRuns: 5000 },
    );
  });

  it('rounds up once: by less than the unit, to a multiple of it', () => {
    fc.assert(
      fc.property(priceRequest, (request) => {
        const { tokens, priceMicrocentsPer1000Tokens, roundingUnitMicrocents: unit } = request;
        const result = core.price(request);
        fc.pre(result.ok);
        const sum = KINDS.reduce((all, kind) => all + tokens[kind] * priceMicrocentsPer1000Tokens[kind], 0n);
        const roundedBy = result.costMicrocents * 1000n - sum;
        expect(roundedBy >= 0n && roundedBy < unit * 1000n).toBe(true);
        expect(result.costMicrocents % unit).toBe(0n);
      }),
      { numRuns: 2000 },
    );
  });

  it('splits every cost into a fee rounded half up and the rest', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 10_000 }), (cost, basisPoints) => {
        const feeMicrocents = (cost * BigInt(basisPoints) + 5000n) / 10_000n;
        expect(core.split(cost, basisPoints)).toEqual({
          ok: true,
          feeMicrocents,
          earningsMicrocents: cost - feeMicrocents,
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('scores with the bits of a plain f32 reference', () => {
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 1, maxLength: 32 }), (candidates) => {
        const result = core.score(candidates);
        expect(result.ok && [...result.scores].map(f32Hex)).toEqual(scoreReference(candidates).map(f32Hex));
      }),
    );
  });

  it('gives a free candidate a score from 0 to 1, and -1 to one without a free slot', () => {
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 1, maxLength: 32 }), (candidates) => {
        const result = core.score(candidates);
        if (!result.ok) throw new Error(result.reason);
        for (const [i, { utilization }] of candidates.entries()) {
          const score = result.scores[i] ?? Number.NaN;
          if (utilization >= 1) expect(score).toBe(-1);
          else expect(score >= 0 && score <= 1).toBe(true);
        }
      }),
    );
  });

  it('weighs close to the exact power of two', () => {
    const samples = fc.array(
      fc.record({ ...components, ageMs: fc.double({ min: 0, max: 6e6, noNaN: true }) }),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(samples, (given) => {
        const result = core.weigh(given, HALF_LIFE_MS);
        if (!result.ok) throw new Error(result.reason);
        const expected = weighReference(given, HALF_LIFE_MS);
        for (const name of ['quality', 'latency', 'availability', 'combined', 'weight'] as const) {
          expect(Math.abs(result.assessment[name] - expected[name])).toBeLessThan(1e-7);
        }
      }),
    );
  });

  it('updates one by one, in any order, to what it weighs at once', () => {
    const observations = fc.array(
      fc.record({ ...components, timeMs: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_900_000 }) }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(observations, (given) => {
        let state: QualityState | null = null;
        for (const observation of given) {
          const next = core.updateQuality(state, observation, HALF_LIFE_MS);
          if (!next.ok) throw new Error(next.reason);
          state = next.assessment;
        }
        const newestMs = Math.max(...given.map(({ timeMs }) => timeMs));
        const atOnce = core.weigh(agedAt(given, newestMs), HALF_LIFE_MS);
        if (!atOnce.ok || state === null) throw new Error('Nothing was weighed.');
        expect(state.lastTimeMs).toBe(newestMs);
        for (const name of ['quality', 'latency', 'availability', 'combined', 'weight'] as const) {
          expect(Math.abs(state[name] - atOnce.assessment[name])).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it('keeps every mean from 0 to 1, however near the ends it is and whatever comes in', () => {
    const edge = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0, -0, 1, 1 - 2 ** -53, 1 - 2 ** -52, 0.5, 2 ** -53, 2 ** -54, 2 ** -1074),
    );
    const edges = { quality: edge, latency: edge, availability: edge };
    const time = fc.oneof(fc.double({ min: 0, max: 3 * HALF_LIFE_MS, noNaN: true }), fc.constantFrom(0, 1e9));
    const weight = fc.oneof(
      fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }),
      fc.double({ min: 0, max: 8, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.record({ ...edges, weight, lastTimeMs: time }),
        fc.array(fc.record({ ...edges, timeMs: time }), { minLength: 1, maxLength: 8 }),
        (first, observations) => {
          let state: QualityState = { ...first, combined: 0 };
          for (const observation of observations) {
            const next = core.updateQuality(state, observation, HALF_LIFE_MS);
            if (!next.ok) throw new Error(next.reason);
            state = next.assessment;
            for (const name of ['quality', 'latency', 'availability', 'combined'] as const) {
              expect(state[name] >= 0 && state[name] <= 1 && !Object.is(state[name], -0), name).toBe(true);
            }
          }
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('hashes data in any parts as node:crypto hashes it whole', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 }), (parts) => {
        const stream = core.createHash();
        const expected = createHash('sha256');
        for (const part of parts) {
          stream.update(part);
          expected.update(part);
        }
        expect(toHex(stream.digest())).toBe(expected.digest('hex'));
      }),
    );
  });
});

describe('core.wasm in batches', () => {
  const core = openServerCore();
  const [, [, device]] = openCores() as [unknown, ['device.wasm', ReturnType<typeof openServerCore>]];

  it('scores with the bits of the device', () => {
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 1, maxLength: 35 }), (candidates) => {
        for (const [i, each] of candidates.entries()) {
          core.candidates.price[i] = each.price;
          core.candidates.quality[i] = each.quality;
          core.candidates.latencyMs[i] = each.latencyMs;
          core.candidates.availability[i] = each.availability;
          core.candidates.fairness[i] = each.fairness;
          core.candidates.utilization[i] = each.utilization;
        }
        const [four, one] = [core.scoreBatch(candidates.length), device.score(candidates)];
        if (!four.ok || !one.ok) throw new Error('Refused.');
        const scores = core.candidates.scores.subarray(0, candidates.length);
        expect([...scores].map(f32Hex)).toEqual([...one.scores].map(f32Hex));
      }),
      { numRuns: 300 },
    );
  });

  it('signs messages of any lengths under any keys as node:crypto does', () => {
    const item = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 400 }));
    fc.assert(
      fc.property(fc.array(item, { maxLength: 30 }), (items) => {
        const keys = items.map(([secret]) => core.importKey(secret));
        const messages = items.map(([, message]) => message);
        const tags = messages.map(() => new Uint8Array(32));
        core.signBatch(keys, messages, tags);
        const expected = items.map(([secret, message]) =>
          createHmac('sha256', secret).update(message).digest('hex'),
        );
        expect(tags.map(toHex)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
