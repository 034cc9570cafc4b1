import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadServerCore } from '../../../assembly/host/node.ts';
import { makeBytes, openCores, readModule, toHex } from './cores.ts';

const LENGTHS = Array.from({ length: 301 }, (_, length) => length);

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (secret: Uint8Array, message: Uint8Array) =>
  createHmac('sha256', secret).update(message).digest();

describe.each(openCores())('%s', (_name, core) => {
  it('hashes every length from 0 to 300 as node:crypto does', () => {
    for (const length of LENGTHS) {
      const data = makeBytes(length);
      expect(toHex(core.sha256(data)), `${length} bytes`).toBe(sha256(data));
    }
  });

  it('hashes in two parts, split at every point, as in one', () => {
    for (const length of [0, 1, 63, 64, 65, 127, 128, 129, 200]) {
      const data = makeBytes(length, 1);
      const expected = sha256(data);
      for (let split = 0; split <= length; split++) {
        const stream = core.createHash().update(data.subarray(0, split)).update(data.subarray(split));
        expect(toHex(stream.digest()), `${length} bytes split at ${split}`).toBe(expected);
      }
    }
  });

  it('hashes in three parts, split at every two points, as in one', () => {
    const data = makeBytes(140, 2);
    const expected = sha256(data);
    for (let first = 0; first <= data.length; first += 3) {
      for (let second = first; second <= data.length; second++) {
        const stream = core.createHash();
        stream.update(data.subarray(0, first)).update(data.subarray(first, second));
        expect(toHex(stream.update(data.subarray(second)).digest()), `${first}, ${second}`).toBe(expected);
      }
    }
  });

  it('keeps two hashes and a signature apart that are made at once', () => {
    const [left, right] = [makeBytes(100, 3), makeBytes(150, 4)];
    const key = core.importKey(makeBytes(32));
    const [one, other] = [core.createHash(), core.createHash()];
    one.update(left.subarray(0, 70));
    other.update(right.subarray(0, 10));
    core.sign(key, right);
    one.update(left.subarray(70));
    other.update(right.subarray(10));
    expect(toHex(one.digest())).toBe(sha256(left));
    expect(toHex(other.digest())).toBe(sha256(right));
  });

  it('ends a hash once', () => {
    const stream = core.createHash();
    stream.digest();
    expect(() => stream.digest()).toThrow();
    expect(() => stream.update(makeBytes(1))).toThrow();
  });

  it('signs every length from 0 to 300 as node:crypto does, and verifies it', () => {
    const secret = makeBytes(32, 5);
    const key = core.importKey(secret);
    for (const length of LENGTHS) {
      const message = makeBytes(length, 6);
      const tag = hmac(secret, message);
      expect(toHex(core.sign(key, message)), `${length} bytes`).toBe(tag.toString('hex'));
      expect(core.verify(key, message, tag), `${length} bytes`).toBe(true);
    }
  });

  it('signs under keys of every length from 0 to 200', () => {
    const message = makeBytes(77, 7);
    for (let length = 0; length <= 200; length++) {
      const secret = makeBytes(length, 8);
      expect(toHex(core.sign(core.importKey(secret), message)), `${length} bytes`).toBe(
        hmac(secret, message).toString('hex'),
      );
    }
  });

  it.each([2047, 2048, 2049, 61_375, 61_376, 61_377, 200_000])(
    'signs, verifies and hashes %i bytes, in parts where the buffer is smaller',
    (length) => {
      const [secret, message] = [makeBytes(32), makeBytes(length, 9)];
      const key = core.importKey(secret);
      const tag = hmac(secret, message);
      expect(toHex(core.sign(key, message))).toBe(tag.toString('hex'));
      expect(core.verify(key, message, tag)).toBe(true);
      expect(core.verify(key, message.subarray(1), tag)).toBe(false);
      expect(toHex(core.sha256(message))).toBe(sha256(message));
    },
  );

  it('imports a key longer than its buffer', () => {
    const secret = makeBytes(100_000);
    expect(toHex(core.sign(core.importKey(secret), makeBytes(9)))).toBe(
      hmac(secret, makeBytes(9)).toString('hex'),
    );
  });

  it('refuses a tag that differs in any one bit', () => {
    const key = core.importKey(makeBytes(32));
    const message = makeBytes(50);
    const tag = core.sign(key, message);
    for (let bit = 0; bit < 256; bit++) {
      const wrong = tag.slice();
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(core.verify(key, message, wrong), `bit ${bit}`).toBe(false);
    }
    expect(core.verify(key, message, tag)).toBe(true);
  });

  it('refuses a tag of another length, of another message, of another key', () => {
    const key = core.importKey(makeBytes(32));
    const message = makeBytes(50);
    const tag = core.sign(key, message);
    expect(core.verify(key, message, tag.subarray(0, 31))).toBe(false);
    expect(core.verify(key, message, new Uint8Array([...tag, 0]))).toBe(false);
    expect(core.verify(key, message, new Uint8Array())).toBe(false);
    expect(core.verify(key, makeBytes(51), tag)).toBe(false);
    expect(core.verify(core.importKey(makeBytes(32, 1)), message, tag)).toBe(false);
  });

  it('signs a view of a buffer into the same buffer, and touches nothing else of it', () => {
    const secret = makeBytes(32);
    const key = core.importKey(secret);
    const frame = makeBytes(200);
    const before = frame.slice();
    core.signInto(key, frame.subarray(10, 110), frame, 120);
    expect(toHex(frame.subarray(120, 152))).toBe(hmac(secret, before.subarray(10, 110)).toString('hex'));
    frame.set(before.subarray(120, 152), 120);
    expect(toHex(frame)).toBe(toHex(before));
  });

  it('throws RangeError when the tag has no room', () => {
    const key = core.importKey(makeBytes(32));
    expect(() => core.signInto(key, makeBytes(5), new Uint8Array(40), 9)).toThrow(RangeError);
  });

  it('holds more keys than it has slots', () => {
    const secrets = Array.from({ length: 4500 }, (_, i) => makeBytes(20, i));
    const keys = secrets.map((secret) => core.importKey(secret));
    const message = makeBytes(30);
    for (const i of [0, 1, 15, 16, 17, 403, 404, 4095, 4096, 4499, 0, 4096]) {
      const key = keys[i];
      const secret = secrets[i];
      if (key === undefined || secret === undefined) throw new Error('No such key.');
      expect(toHex(core.sign(key, message)), `key ${i}`).toBe(hmac(secret, message).toString('hex'));
    }
  });

  it("shows nothing of a key's secret or midstates as JSON", () => {
    expect(JSON.stringify(core.importKey(makeBytes(32)))).toBe('"[signing key]"');
  });
});

describe('a core that hands large messages to node:crypto', () => {
  it('gives the same tags and hashes around the length where it does', () => {
    const core = loadServerCore(readModule('core'), { nodeCryptoFromBytes: 100 });
    const secret = makeBytes(90);
    const key = core.importKey(secret);
    for (const length of [98, 99, 100, 101, 5000]) {
      const message = makeBytes(length);
      const tag = hmac(secret, message);
      expect(toHex(core.sign(key, message))).toBe(tag.toString('hex'));
      expect(core.verify(key, message, tag)).toBe(true);
      tag[31] = (tag[31] ?? 0) ^ 1;
      expect(core.verify(key, message, tag)).toBe(false);
      expect(toHex(core.sha256(message))).toBe(sha256(message));
    }
  });
});
