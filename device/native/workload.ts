import { createHmac } from 'node:crypto';
import type { PriceRequest } from '../../assembly/host/index.ts';
import * as requests from './requests.ts';
import type { RunnerRequest } from './runner.ts';

/** One thing the core does, as the gate counts it. */
export interface Work {
  readonly name: string;
  readonly request: RunnerRequest;
}

const SLOT = 0;
const SECRET = new Uint8Array(32).fill(3);
const MESSAGE = new Uint8Array(64).fill(7);
const TAG = createHmac('sha256', SECRET).update(MESSAGE).digest();
const SHARES = { quality: 0.9, latency: 0.5, availability: 1 };
const HALF_LIFE_MS = 60_000;
const LARGE: PriceRequest = {
  tokens: { prompt: 2n ** 40n, cachedPrompt: 2n ** 41n, completion: 2n ** 42n },
  priceMicrocentsPer1000Tokens: { prompt: 2n ** 20n, cachedPrompt: 2n ** 19n, completion: 2n ** 21n },
  roundingUnitMicrocents: 2n ** 33n,
};

/** The key that every other work needs. */
export const importKey: Work = { name: 'import a key', request: requests.importKey(SLOT, SECRET) };

/** Verify a 64-byte command, price it, sign a 64-byte reply. */
export const signedCommand: Work = {
  name: 'signed command',
  request: requests.command(SLOT, TAG, requests.PRICED, MESSAGE),
};

/** Each function of the core, on ordinary input. */
export const functions: readonly Work[] = [
  importKey,
  { name: 'sign 64 bytes', request: requests.sign(SLOT, MESSAGE) },
  { name: 'sign 1,024 bytes', request: requests.sign(SLOT, new Uint8Array(1024)) },
  { name: 'verify 64 bytes', request: requests.verify(SLOT, MESSAGE, TAG) },
  { name: 'SHA-256 of 64 bytes', request: requests.sha256(MESSAGE) },
  { name: 'price', request: requests.price(requests.PRICED) },
  { name: 'split', request: requests.split(8_000_000n, 1250) },
  {
    name: 'weigh 10 samples',
    request: requests.weigh(
      Array.from({ length: 10 }, (_, i) => ({ ...SHARES, ageMs: i * 1000 })),
      HALF_LIFE_MS,
    ),
  },
  {
    name: 'update quality',
    request: requests.updateQuality(null, { ...SHARES, timeMs: 1_700_000_000_000 }, HALF_LIFE_MS),
  },
  {
    name: 'score 10 candidates',
    request: requests.score(
      Array.from({ length: 10 }, (_, i) => ({
        price: 20 + i,
        quality: 0.9,
        latencyMs: 30 + i,
        availability: 1,
        fairness: 0.5,
        utilization: 0.25,
      })),
    ),
  },
];

/** What else must work in the smallest memory: the longest inputs, and the ways that only they take. */
export const extremes: readonly Work[] = [
  { name: 'a long secret', request: requests.importKey(SLOT, new Uint8Array(3000)) },
  { name: 'a streamed signature', request: requests.sign(SLOT, new Uint8Array(5000)) },
  { name: 'a streamed hash', request: requests.hashParts([MESSAGE, new Uint8Array(130), MESSAGE]) },
  { name: '64-bit amounts', request: requests.price(LARGE) },
  { name: 'a 64-bit cost', request: requests.split(2n ** 63n, 1250) },
];
