import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runnerCommand, type Variant, variants } from '../../../device/native/layout.ts';
import * as requests from '../../../device/native/requests.ts';
import { DeviceStatus, requireAnswers } from '../../../device/native/runner.ts';
import { describeModule, openDevice } from './expectations.ts';

const SECRET = new Uint8Array(32).fill(0xa5);
const MESSAGE = new Uint8Array(64).fill(7);
const LONG_SECRET = new Uint8Array(3000).map((_, i) => i);
const KEY_BYTES = 64;
const { keysAddress, keySlots } = describeModule();

/** How often each word of these bytes is found: in the pool, in linear memory that was given back, below the C stack. */
function remainsOf(
  variant: Variant,
  bytes: Uint8Array,
  before: Parameters<typeof requireAnswers>[1],
): number[][] {
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.subarray(i * 4, i * 4 + 4));
  const answers = requireAnswers(runnerCommand(variant), [...before, ...words.map(requests.findRemains)]);
  expect(answers.filter(({ status }) => status !== DeviceStatus.OK)).toEqual([]);
  return answers
    .slice(before.length)
    .map(({ result }) => [...new Uint32Array(new Uint8Array(result).buffer)]);
}

describe.each(variants)('on %s', (variant) => {
  it('no word of a key is left when its core is closed', () => {
    const use = [openDevice(), requests.importKey(0, SECRET), requests.sign(0, MESSAGE)];
    const read = requireAnswers(runnerCommand(variant), [
      ...use,
      requests.readMemory(keysAddress, KEY_BYTES),
    ]);
    const midstates = new Uint8Array(read.at(-1)?.result ?? []);
    expect(midstates).toHaveLength(KEY_BYTES);
    expect(midstates.every((byte) => byte === 0)).toBe(false);
    // While the core is open, the key is somewhere, or this test finds nothing.
    const closed = remainsOf(variant, midstates, [...use, requests.close()]);
    expect(closed).toEqual(closed.map(() => [0, 0, 0]));
  });

  it('the hash that stands for a long secret is nowhere while the core is open', () => {
    const digest = createHash('sha256').update(LONG_SECRET).digest();
    const imported = [openDevice(), requests.importKey(0, LONG_SECRET)];
    const memory = requireAnswers(runnerCommand(variant), [...imported, requests.readMemory(0, 1024)]);
    expect(Buffer.from(memory.at(-1)?.result ?? []).includes(digest.subarray(0, 8))).toBe(false);
    const found = remainsOf(variant, digest, imported);
    expect(found.map(([, , stack]) => stack)).toEqual(found.map(() => 0));
  });

  it.each([4, 5000])('a secret of %i bytes that was refused is nowhere, either', (bytes) => {
    const [, refused, memory] = requireAnswers(runnerCommand(variant), [
      openDevice(),
      requests.importKey(keySlots, new Uint8Array(bytes).fill(0xa5)),
      requests.readMemory(0, 1024),
    ]);
    expect(refused?.status).toBe(DeviceStatus.OUT_OF_RANGE);
    expect(Buffer.from(memory?.result ?? []).includes(Buffer.alloc(4, 0xa5))).toBe(false);
  });
});
