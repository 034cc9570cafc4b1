import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type {
  Candidate,
  QualityObservation,
  QualitySample,
  QualityState,
} from '../../assembly/host/index.ts';
import { type PriceVector, priceRequestOf, type SplitVector } from '../support/price-vectors.ts';
import { openCores, openServerCore, toHex } from '../unit/core/cores.ts';
import { f32Hex, f64Hex } from '../unit/core/reference.ts';

interface Sha256File {
  messages: { name: string; messageHex: string; digestHex: string }[];
  repeated: { name: string; byteHex: string; count: number; digestHex: string }[];
  monteCarlo: { seedHex: string; checkpointsHex: string[] };
}

interface HmacFile {
  vectors: { name: string; keyHex: string; messageHex: string; tagHex: string }[];
}

interface PricingFile {
  vectors: PriceVector[];
}

interface SplitsFile {
  vectors: SplitVector[];
}

interface ScoringFile {
  vectors: { name: string; candidates: Candidate[]; scoresHex?: string[]; refusal?: string }[];
}

interface QualityFile {
  weigh: {
    name: string;
    halfLifeMs: number;
    samples: QualitySample[];
    assessment?: Record<string, string>;
    refusal?: string;
  }[];
  update: {
    name: string;
    halfLifeMs: number;
    steps: { observation: QualityObservation; assessment: Record<string, string> }[];
  }[];
}

function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as T;
}

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

const expectedPrice = ({ costMicrocents, refusal }: PriceVector) =>
  costMicrocents === undefined
    ? { ok: false, reason: refusal }
    : { ok: true, costMicrocents: BigInt(costMicrocents) };

const inHex = (assessment: object) =>
  Object.fromEntries(Object.entries(assessment).map(([name, value]) => [`${name}Hex`, f64Hex(value)]));

const sha256 = readVectors<Sha256File>('sha256');
const hmac = readVectors<HmacFile>('hmac-sha256');
const pricing = readVectors<PricingFile>('pricing');
const splits = readVectors<SplitsFile>('splits');
const scoring = readVectors<ScoringFile>('scoring');
const quality = readVectors<QualityFile>('quality');

describe.each(openCores())('%s', (_name, core) => {
  it.each(sha256.messages)('hashes $name', ({ messageHex, digestHex }) => {
    expect(toHex(core.sha256(fromHex(messageHex)))).toBe(digestHex);
  });

  it.each(sha256.repeated)('hashes $name', ({ byteHex, count, digestHex }) => {
    const data = new Uint8Array(count).fill(Number.parseInt(byteHex, 16));
    expect(toHex(core.sha256(data))).toBe(digestHex);
  });

  it('passes the Monte Carlo test', () => {
    let seed = fromHex(sha256.monteCarlo.seedHex);
    for (const checkpoint of sha256.monteCarlo.checkpointsHex) {
      let [a, b, c] = [seed, seed, seed];
      for (let i = 0; i < 1000; i++) {
        const digest = core.sha256(Uint8Array.from([...a, ...b, ...c]));
        [a, b, c] = [b, c, Uint8Array.from(digest)];
      }
      expect(toHex(c)).toBe(checkpoint);
      seed = c;
    }
  });

  it.each(hmac.vectors)('signs and verifies $name', ({ keyHex, messageHex, tagHex }) => {
    const key = core.importKey(fromHex(keyHex));
    const tag = core.sign(key, fromHex(messageHex));
    expect(toHex(tag).slice(0, tagHex.length)).toBe(tagHex);
    expect(core.verify(key, fromHex(messageHex), tag)).toBe(true);
  });

  it.each(pricing.vectors)('prices $name', (vector) => {
    expect(core.price(priceRequestOf(vector))).toEqual(expectedPrice(vector));
  });

  it.each(splits.vectors)('splits $name', (vector) => {
    const result = core.split(BigInt(vector.costMicrocents), Number(vector.commissionBasisPoints));
    if (vector.feeMicrocents === undefined || vector.earningsMicrocents === undefined) {
      expect(result).toEqual({ ok: false, reason: vector.refusal });
      return;
    }
    const feeMicrocents = BigInt(vector.feeMicrocents);
    const earningsMicrocents = BigInt(vector.earningsMicrocents);
    expect(result).toEqual({ ok: true, feeMicrocents, earningsMicrocents });
    expect(feeMicrocents + earningsMicrocents).toBe(BigInt(vector.costMicrocents));
  });

  it.each(scoring.vectors)('scores: $name', ({ candidates, scoresHex, refusal }) => {
    const result = core.score(candidates);
    if (result.ok) expect([...result.scores].map(f32Hex)).toEqual(scoresHex);
    else expect(result.reason).toBe(refusal);
  });

  it.each(quality.weigh)('weighs: $name', ({ samples, halfLifeMs, assessment, refusal }) => {
    const result = core.weigh(samples, halfLifeMs);
    if (result.ok) expect(inHex(result.assessment)).toEqual(assessment);
    else expect(result.reason).toBe(refusal);
  });

  it.each(quality.update)('updates quality: $name', ({ steps, halfLifeMs }) => {
    let state: QualityState | null = null;
    for (const { observation, assessment } of steps) {
      const result = core.updateQuality(state, observation, halfLifeMs);
      if (!result.ok) throw new Error(result.reason);
      expect(inHex(result.assessment)).toEqual(assessment);
      state = result.assessment;
    }
  });
});

describe('core.wasm in batches', () => {
  const core = openServerCore();

  it.each(scoring.vectors)('scores: $name', ({ candidates, scoresHex, refusal }) => {
    for (const [i, candidate] of candidates.entries()) {
      core.candidates.price[i] = candidate.price;
      core.candidates.quality[i] = candidate.quality;
      core.candidates.latencyMs[i] = candidate.latencyMs;
      core.candidates.availability[i] = candidate.availability;
      core.candidates.fairness[i] = candidate.fairness;
      core.candidates.utilization[i] = candidate.utilization;
    }
    const result = core.scoreBatch(candidates.length);
    const scores = core.candidates.scores.subarray(0, candidates.length);
    if (result.ok) expect([...scores].map(f32Hex)).toEqual(scoresHex);
    else expect(result.reason).toBe(refusal);
  });

  it('signs all of RFC 4231 in one batch', () => {
    const keys = hmac.vectors.map(({ keyHex }) => core.importKey(fromHex(keyHex)));
    const messages = hmac.vectors.map(({ messageHex }) => fromHex(messageHex));
    const tags = messages.map(() => new Uint8Array(32));
    core.signBatch(keys, messages, tags);
    for (const [i, { tagHex }] of hmac.vectors.entries()) {
      expect(toHex(tags[i] ?? new Uint8Array()).slice(0, tagHex.length)).toBe(tagHex);
    }
  });
});
