import { readFileSync } from 'node:fs';
import type {
  Candidate,
  QualityObservation,
  QualitySample,
  QualityState,
} from '../../../assembly/host/index.ts';
import { layout, type Profile } from '../../../device/native/layout.ts';
import { type PriceVector, priceRequestOf, type SplitVector } from '../../support/price-vectors.ts';
import { type Expectation, Expecting } from './expectations.ts';

interface Vectors {
  readonly hmac: { vectors: { name: string; keyHex: string; messageHex: string }[] };
  readonly sha256: {
    messages: { name: string; messageHex: string }[];
    repeated: { name: string; byteHex: string; count: number }[];
    monteCarlo: { seedHex: string; checkpointsHex: string[] };
  };
  readonly pricing: { vectors: PriceVector[] };
  readonly splits: { vectors: SplitVector[] };
  readonly quality: {
    weigh: { name: string; halfLifeMs: number; samples: QualitySample[] }[];
    update: { name: string; halfLifeMs: number; steps: { observation: QualityObservation }[] }[];
  };
  readonly scoring: { vectors: { name: string; candidates: Candidate[] }[] };
}

const SLOT = 3;
const MONTE_CARLO_ROUNDS = 1000;

/** Every vector of tests/vectors, with what V8 makes of it. That V8 is right is what the tests of the core show. */
export function readVectors(profile: Profile): Expectation[] {
  const expecting = new Expecting(profile);
  const read = <Name extends keyof Vectors>(name: Name, file: string = name): Vectors[Name] =>
    JSON.parse(readFileSync(`${layout.vectors}/${file}.json`, 'utf8'));
  const { messages, repeated, monteCarlo } = read('sha256');
  const { weigh, update } = read('quality');
  return [
    ...read('hmac', 'hmac-sha256').vectors.flatMap((vector) =>
      signAndVerify(expecting, vector.name, fromHex(vector.keyHex), fromHex(vector.messageHex)),
    ),
    ...messages.flatMap(({ name, messageHex }) => hashes(expecting, name, fromHex(messageHex))),
    ...repeated.map(({ name, byteHex, count }) =>
      expecting.sha256(name, new Uint8Array(count).fill(Number.parseInt(byteHex, 16))),
    ),
    ...monteCarloHashes(expecting, fromHex(monteCarlo.seedHex), monteCarlo.checkpointsHex.length),
    ...read('pricing').vectors.map((vector) => expecting.price(vector.name, priceRequestOf(vector))),
    ...read('splits').vectors.map(({ name, costMicrocents, commissionBasisPoints }) =>
      expecting.split(name, BigInt(costMicrocents), Number(commissionBasisPoints)),
    ),
    ...weigh.map(({ name, samples, halfLifeMs }) => expecting.weigh(name, samples, halfLifeMs)),
    ...update.flatMap(({ name, steps, halfLifeMs }) => updates(expecting, name, steps, halfLifeMs)),
    ...read('scoring').vectors.map(({ name, candidates }) => expecting.score(name, candidates)),
  ];
}

function signAndVerify(
  expecting: Expecting,
  name: string,
  secret: Uint8Array,
  message: Uint8Array,
): Expectation[] {
  const { key, expectation } = expecting.importKey(`${name}: key`, SLOT, secret);
  const tag = expecting.core.sign(key, message);
  const wrong = tag.slice();
  wrong[31] = (wrong[31] ?? 0) ^ 1;
  return [
    expectation,
    expecting.sign(`${name}: sign`, key, SLOT, message),
    expecting.verify(`${name}: verify`, key, SLOT, message, tag),
    expecting.verify(`${name}: a wrong tag`, key, SLOT, message, wrong),
  ];
}

function hashes(expecting: Expecting, name: string, data: Uint8Array): Expectation[] {
  const middle = data.length >> 1;
  return [
    expecting.sha256(name, data),
    expecting.hashParts(`${name}, in two parts`, [data.subarray(0, middle), data.subarray(middle)]),
  ];
}

// SHAVS, section 6.4.
function monteCarloHashes(expecting: Expecting, start: Uint8Array, checkpoints: number): Expectation[] {
  const expectations: Expectation[] = [];
  let seed = start;
  for (let checkpoint = 0; checkpoint < checkpoints; checkpoint++) {
    let [a, b, c] = [seed, seed, seed];
    for (let round = 0; round < MONTE_CARLO_ROUNDS; round++) {
      const message = Buffer.concat([a, b, c]);
      const expectation = expecting.sha256(`Monte Carlo ${checkpoint}.${round}`, message);
      expectations.push(expectation);
      [a, b, c] = [b, c, fromHex(expectation.resultHex)];
    }
    seed = c;
  }
  return expectations;
}

function updates(
  expecting: Expecting,
  name: string,
  steps: readonly { observation: QualityObservation }[],
  halfLifeMs: number,
): Expectation[] {
  let state: QualityState | null = null;
  return steps.map(({ observation }, index) => {
    const step = expecting.updateQuality(`${name}: ${index}`, state, observation, halfLifeMs);
    state = step.state;
    return step.expectation;
  });
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
