import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeBytes, openServerCore, toHex } from './cores.ts';

interface Vector {
  readonly source: string;
  readonly keyHex: string;
  readonly nonceHex: string;
  readonly associatedHex: string;
  readonly plaintextHex: string;
  readonly ciphertextHex: string;
}

const { vectors } = JSON.parse(readFileSync('tests/vectors/chacha20-poly1305.json', 'utf8')) as {
  vectors: Vector[];
};
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const { cipher } = openServerCore();
const KEY = makeBytes(32, 3);
const NONCE = makeBytes(12, 4);

function encrypt(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, text: Uint8Array): Uint8Array {
  const target = new Uint8Array(text.length + 16);
  cipher.encryptInto(key, nonce, associated, text, target);
  return target;
}

function byOpenSsl(key: Uint8Array, associated: Uint8Array, text: Uint8Array): Uint8Array {
  const other = createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: 16 });
  other.setAAD(associated, { plaintextLength: text.length });
  return Buffer.concat([other.update(text), other.final(), other.getAuthTag()]);
}

describe('the cipher of core.wasm', () => {
  it.each(vectors)('gives the bytes of $source, and the text back', (vector) => {
    const [key, nonce, associated] = [vector.keyHex, vector.nonceHex, vector.associatedHex].map(bytes) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const text = bytes(vector.plaintextHex);
    expect(toHex(encrypt(key, nonce, associated, text))).toBe(vector.ciphertextHex);
    expect(cipher.decrypt(key, nonce, associated, bytes(vector.ciphertextHex))).toEqual(text);
  });

  it('encrypts every length from 0 to 300, and the longest, as OpenSSL does, after longer ones, too', () => {
    const lengths = [cipher.textBytesMax, ...Array.from({ length: 301 }, (_, length) => 300 - length)];
    for (const length of lengths) {
      const associated = makeBytes(length % (cipher.associatedBytesMax + 1), 5);
      const text = makeBytes(length, 6);
      const expected = byOpenSsl(KEY, associated, text);
      expect(toHex(encrypt(KEY, NONCE, associated, text)), `${length} bytes`).toBe(toHex(expected));
      expect(toHex(cipher.decrypt(KEY, NONCE, associated, expected) ?? KEY)).toBe(toHex(text));
    }
  });

  it('carries where every part of a number is full', () => {
    const full = (length: number) => new Uint8Array(length).fill(0xff);
    for (let seed = 0; seed < 200; seed++) {
      const key = makeBytes(32, seed);
      // The keystream against itself: Poly1305 gets blocks of ones, or the numbers just below its prime.
      const stream = encrypt(key, NONCE, full(0), new Uint8Array(256)).subarray(0, 256);
      for (const block of [
        full(256),
        Uint8Array.from({ length: 256 }, (_, i) => (i % 16 === 0 ? 0xfb : 0xff)),
      ]) {
        const text = stream.map((byte, index) => byte ^ (block[index] ?? 0));
        expect(toHex(encrypt(key, NONCE, full(16), text))).toBe(toHex(byOpenSsl(key, full(16), text)));
      }
    }
  });

  it('gives nothing where a bit of ciphertext, tag, associated data, nonce or key is another', () => {
    const associated = makeBytes(9, 7);
    const ciphertext = encrypt(KEY, NONCE, associated, makeBytes(70, 8));
    type Parts = [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const parts: Parts = [KEY, NONCE, associated, ciphertext];
    for (const [at, part] of parts.entries()) {
      for (let bit = 0; bit < part.length * 8; bit++) {
        const wrong = part.slice();
        wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const [key, nonce, beside, text] = parts.map((right, index) =>
          index === at ? wrong : right,
        ) as Parts;
        expect(cipher.decrypt(key, nonce, beside, text), `part ${at}, bit ${bit}`).toBeNull();
      }
    }
    expect(cipher.decrypt(KEY, NONCE, associated, ciphertext)).toEqual(makeBytes(70, 8));
  });

  it('refuses what has no room', () => {
    const [long, beside] = [cipher.textBytesMax + 1, cipher.associatedBytesMax + 1];
    expect(() => encrypt(KEY, NONCE, makeBytes(0), makeBytes(long))).toThrow(RangeError);
    expect(() => encrypt(KEY, NONCE, makeBytes(beside), makeBytes(1))).toThrow(RangeError);
    expect(() => cipher.decrypt(KEY, NONCE, makeBytes(0), makeBytes(15))).toThrow(RangeError);
  });
});
