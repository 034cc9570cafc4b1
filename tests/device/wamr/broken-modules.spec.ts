import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runnerCommand } from '../../../device/native/layout.ts';
import * as requests from '../../../device/native/requests.ts';
import {
  DeviceStatus,
  type RunnerAnswer,
  type RunnerRequest,
  requireAnswers,
} from '../../../device/native/runner.ts';
import { createSeededRandom } from '../../support/random.ts';
import { openDevice, readDeviceModule } from './expectations.ts';

const SANITIZED = runnerCommand('sanitized');
const MUTATIONS = 10_000;
/** In one process of a runner; its requests and answers are held in memory. */
const BATCH = 1000;
const MUTATED_BYTES_MAX = 8;

const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
const module = readDeviceModule();

/** What a broken core is made to do if it opens, and behind it a right one. */
const attempt = (broken: Uint8Array): RunnerRequest[] => [
  openDevice(broken),
  requests.importKey(0, new Uint8Array(32)),
  requests.sign(0, new Uint8Array(64)),
  requests.score([{ price: 1, quality: 1, latencyMs: 1, availability: 1, fairness: 1, utilization: 0 }]),
  requests.close(),
  openDevice(module),
  requests.price(requests.PRICED),
  requests.close(),
];
const REQUESTS_AN_ATTEMPT = attempt(module).length;

/** The answers to each attempt. Throws when a sanitizer ended the runner, or anything else did. */
function attemptAll(broken: readonly Uint8Array[]): (readonly RunnerAnswer[])[] {
  const answers = requireAnswers(SANITIZED, broken.flatMap(attempt));
  return broken.map((_, i) => answers.slice(i * REQUESTS_AN_ATTEMPT, (i + 1) * REQUESTS_AN_ATTEMPT));
}

function isNextCallRight(answers: readonly RunnerAnswer[]): boolean {
  const [opened, price] = answers.slice(5);
  return (
    opened?.status === 0 && Buffer.from(price?.result ?? []).readBigUInt64LE() === requests.PRICED_MICROCENTS
  );
}

function mutate(random: ReturnType<typeof createSeededRandom>): Uint8Array {
  const mutated = module.slice();
  const count = 1 + Math.floor(random.fraction() * MUTATED_BYTES_MAX);
  for (let i = 0; i < count; i++) {
    mutated[Math.floor(random.fraction() * mutated.length)] = Math.floor(random.fraction() * 256);
  }
  return mutated;
}

describe('device.wasm, broken, under AddressSanitizer and UndefinedBehaviorSanitizer', () => {
  it('is refused wherever it is cut off, and the next call is right', () => {
    const cut = Array.from({ length: module.length }, (_, length) => module.subarray(0, length));
    for (let from = 0; from < cut.length; from += BATCH) {
      const attempts = attemptAll(cut.slice(from, from + BATCH));
      expect(attempts.filter(([opened]) => opened?.status === DeviceStatus.OK)).toEqual([]);
      expect(attempts.every(isNextCallRight)).toBe(true);
    }
  });

  it(`is refused or stopped when it is mutated, ${MUTATIONS} times with SEED=${seed}, and the next call is right`, () => {
    console.log(`mutations of device.wasm with SEED=${seed}`);
    const random = createSeededRandom(seed);
    const known = new Set<number>(Object.values(DeviceStatus));
    let refused = 0;
    for (let made = 0; made < MUTATIONS; made += BATCH) {
      const attempts = attemptAll(Array.from({ length: BATCH }, () => mutate(random)));
      expect(attempts.flat().filter(({ status }) => !known.has(status))).toEqual([]);
      expect(attempts.every(isNextCallRight)).toBe(true);
      refused += attempts.filter(([opened]) => opened?.status !== DeviceStatus.OK).length;
    }
    // Both ways must have been taken, or the mutations prove little.
    expect(refused).toBeGreaterThan(MUTATIONS / 10);
    expect(refused).toBeLessThan(MUTATIONS);
  });
});
