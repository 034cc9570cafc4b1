import { expect, it } from 'vitest';
import { canSignAlone } from '../../../server/domains/devices/signature-keys.ts';
import { ed25519 } from '../../../server/platform/secrets/index.ts';

/** The y of all points whose order divides 8, and the two that have a second encoding. */
const WEAK = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

/** A signature that anybody can write down: R is the neutral point, S is 0. */
const FORGED = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]);
const TEXTS = Array.from({ length: 200 }, (_, index) => Buffer.from(`text ${index}`));

it.each(WEAK)('a key that everybody signs with is refused, though its signatures are right: %s', (hex) => {
  for (const sign of [0, 0x80]) {
    const key = Buffer.from(hex, 'hex');
    key[31] = (key[31] ?? 0) | sign;
    expect(TEXTS.some((text) => ed25519.isSignedBy(key, text, FORGED))).toBe(true);
    expect(canSignAlone(key)).toBe(false);
  }
});

it('a key that somebody has made is taken, one of another length is not', () => {
  const key = ed25519.publicKeyOf(new Uint8Array(32).fill(7));
  expect(canSignAlone(key)).toBe(true);
  expect([key.subarray(1), Buffer.concat([key, key]), new Uint8Array(0)].map(canSignAlone)).toEqual([
    false,
    false,
    false,
  ]);
});
