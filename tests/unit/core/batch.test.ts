import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../assembly/host/node.ts';
import { makeBytes, openServerCore, readModule, toHex } from './cores.ts';

const core = openServerCore();

interface Signed {
  readonly keys: SigningKey[];
  readonly messages: Uint8Array[];
  readonly tags: Uint8Array[];
}

function makeSigned(count: number, lengthOf: (i: number) => number, from = core): Signed {
  const secrets = Array.from({ length: count }, (_, i) => makeBytes(1 + (i % 70), i));
  const messages = secrets.map((_, i) => makeBytes(lengthOf(i), i + 1));
  return {
    keys: secrets.map((secret) => from.importKey(secret)),
    messages,
    tags: messages.map((message, i) =>
      Uint8Array.from(
        createHmac('sha256', secrets[i] ?? new Uint8Array())
          .update(message)
          .digest(),
      ),
    ),
  };
}

const join = (tags: readonly Uint8Array[]) => tags.map(toHex).join('');

describe('signBatch', () => {
  it.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 1023, 1024, 1025, 2500])(
    'signs %i messages as node:crypto does',
    (count) => {
      const { keys, messages, tags } = makeSigned(count, () => 64);
      const out = new Uint8Array(count * 32 + 5);
      core.signBatch(keys, messages, out, 5);
      expect(toHex(out.subarray(5))).toBe(join(tags));
      expect(toHex(out.subarray(0, 5))).toBe('0000000000');
    },
  );

  it('signs every length from 0 to 300 side by side', () => {
    const { keys, messages, tags } = makeSigned(301, (i) => i);
    const out = new Uint8Array(301 * 32);
    core.signBatch(keys, messages, out);
    expect(toHex(out)).toBe(join(tags));
  });

  it('signs short messages beside long ones, in any order', () => {
    const lengths = [0, 2000, 1, 0, 64, 3, 1999, 55, 56, 63, 64, 65, 119, 120, 128, 0, 0, 0, 700];
    const { keys, messages, tags } = makeSigned(400, (i) => lengths[(i * 7) % lengths.length] ?? 0);
    const out = messages.map(() => new Uint8Array(40));
    core.signBatch(keys, messages, out, 8);
    expect(join(out.map((buffer) => buffer.subarray(8)))).toBe(join(tags));
    expect(out.every((buffer) => buffer.subarray(0, 8).every((byte) => byte === 0))).toBe(true);
  });

  it('signs messages that are longer than the arena, in place among the others', () => {
    const large = core.batch.arena.length + 100;
    const { keys, messages, tags } = makeSigned(6, (i) => (i === 2 ? large : i === 4 ? 5000 : 50));
    const out = new Uint8Array(6 * 32);
    core.signBatch(keys, messages, out);
    expect(toHex(out)).toBe(join(tags));
  });

  it('signs more than the arena holds', () => {
    const { keys, messages, tags } = makeSigned(900, () => 2040);
    expect(900 * 2040).toBeGreaterThan(core.batch.arena.length);
    const out = new Uint8Array(900 * 32);
    core.signBatch(keys, messages, out);
    expect(toHex(out)).toBe(join(tags));
  });

  it('signs under keys that share a slot, in one batch', () => {
    const { keys, messages, tags } = makeSigned(4300, () => 20);
    const pick = [0, 4096, 1, 4097, 0, 4096, 4296, 200];
    const at = <T>(items: readonly T[]) => pick.map((i) => items[i] as T);
    const out = new Uint8Array(pick.length * 32);
    core.signBatch(at(keys), at(messages), out);
    expect(toHex(out)).toBe(join(at(tags)));
  });

  it('signs under keys that another core imported', () => {
    const other = openServerCore();
    other.importKey(makeBytes(3));
    const { keys, messages, tags } = makeSigned(9, () => 70, other);
    const out = new Uint8Array(9 * 32);
    core.signBatch(keys, messages, out);
    expect(toHex(out)).toBe(join(tags));
  });

  it('refuses keys without messages and tags without room', () => {
    const { keys, messages } = makeSigned(3, () => 5);
    expect(() => core.signBatch(keys, messages.slice(1), new Uint8Array(96))).toThrow(RangeError);
    expect(() => core.signBatch(keys, messages, new Uint8Array(95))).toThrow(RangeError);
    expect(() => core.signBatch(keys, messages, new Uint8Array(96), 1)).toThrow(RangeError);
    expect(() => core.signBatch(keys, messages, [new Uint8Array(32)])).toThrow(RangeError);
    expect(() =>
      core.signBatch(
        keys,
        messages,
        keys.map(() => new Uint8Array(31)),
      ),
    ).toThrow(RangeError);
  });
});

describe('signForKeys', () => {
  it.each([0, 64, 100, 2048, 2049, 9000])('signs one message of %i bytes under many keys', (length) => {
    const message = makeBytes(length);
    const secrets = Array.from({ length: 1100 }, (_, i) => makeBytes(32, i));
    const keys = secrets.map((secret) => core.importKey(secret));
    const expected = secrets.map((secret) => createHmac('sha256', secret).update(message).digest());
    const joined = new Uint8Array(keys.length * 32);
    const frames = keys.map(() => new Uint8Array(50));
    core.signForKeys(message, keys, joined);
    core.signForKeys(message, keys, frames, 18);
    expect(toHex(joined)).toBe(join(expected));
    expect(join(frames.map((frame) => frame.subarray(18)))).toBe(join(expected));
  });
});

describe('the batch', () => {
  it('signs messages where they lie in the arena', () => {
    const { keys, messages, tags } = makeSigned(10, (i) => i * 30);
    const { batch } = core;
    batch.clear();
    let end = 3;
    for (const [i, message] of messages.entries()) {
      batch.arena.set(message, end);
      batch.add(keys[i] as SigningKey, end, message.length);
      end += message.length;
    }
    batch.sign();
    expect(toHex(batch.tags.subarray(0, 320))).toBe(join(tags));
    batch.clear();
    expect(batch.count).toBe(0);
  });

  it('keeps what was added when its key loses the slot before it is signed', () => {
    const { keys, messages, tags } = makeSigned(4200, () => 33);
    const { batch } = core;
    batch.clear();
    batch.arena.set(messages[0] ?? []);
    batch.add(keys[0] as SigningKey, 0, 33);
    core.sign(keys[4096] as SigningKey, makeBytes(1));
    batch.sign();
    expect(toHex(batch.tags.subarray(0, 32))).toBe(toHex(tags[0] ?? new Uint8Array()));
    batch.clear();
  });

  it('keeps what was added after a round that was signed, and after one that was not', () => {
    const { keys, messages, tags } = makeSigned(4097, () => 33);
    const [key, successor] = [keys[0], keys[4096]] as [SigningKey, SigningKey];
    const { batch } = core;
    batch.arena.set(messages[0] ?? []);
    for (const end of ['sign', 'clear'] as const) {
      batch.clear();
      batch.add(key, 0, 33);
      batch[end]();
      batch.add(key, 0, 33);
      const { count } = batch;
      core.sign(successor, makeBytes(1));
      // Its slot is its successor's now, so this one needs it again.
      batch.add(key, 0, 33);
      core.sign(successor, makeBytes(1));
      batch.sign();
      const expected = toHex(tags[0] ?? new Uint8Array()).repeat(count + 1);
      expect(toHex(batch.tags.subarray(0, (count + 1) * 32)), end).toBe(expected);
    }
    batch.clear();
  });

  it('refuses a message outside the arena, and one too many', () => {
    const key = core.importKey(makeBytes(8));
    const { batch } = core;
    batch.clear();
    expect(() => batch.add(key, batch.arena.length - 9, 10)).toThrow(RangeError);
    expect(() => batch.add(key, -1, 10)).toThrow(RangeError);
    expect(() => batch.add(key, 0.5, 10)).toThrow(RangeError);
    expect(batch.count).toBe(0);
    for (let i = 0; i < batch.countMax; i++) batch.add(key, batch.arena.length - 10, 10);
    expect(() => batch.add(key, 0, 1)).toThrow(RangeError);
    batch.sign();
    expect(toHex(batch.tags.subarray(32 * 1023))).toBe(toHex(batch.tags.subarray(0, 32)));
    batch.clear();
  });
});

describe('the ABI of the batches', () => {
  const module = new WebAssembly.Module(new Uint8Array(readModule('core')));
  const { exports } = new WebAssembly.Instance(module);
  const { signBatch, scoreBatch } = exports as Record<string, (a: number, b?: number) => number>;
  const memory = new Uint32Array((exports.memory as WebAssembly.Memory).buffer);
  const numberOf = (name: string) => (exports[name] as WebAssembly.Global).value as number;

  it('refuses counts beyond the capacities', () => {
    expect(signBatch?.(0, numberOf('batchMax') + 1)).toBe(2);
    expect(signBatch?.(2, 1)).toBe(2);
    expect(scoreBatch?.(1_000_000)).toBe(2);
    expect(scoreBatch?.(0)).toBe(4);
  });

  it('refuses a message outside the arena and a slot that is not there', () => {
    const [offset, length, slot] = ['Offsets', 'Lengths', 'Slots'].map(
      (name) => numberOf(`batch${name}Address`) / 4,
    ) as [number, number, number];
    const bytes = numberOf('batchArenaBytes');
    const refused = [
      [bytes, 1, 0],
      [bytes - 10, 11, 0],
      [0xffff_ffff, 0xffff_ffff, 0],
      [0, bytes + 1, 0],
      [0, 0, 4096],
    ] as const;
    for (const [o, l, s] of refused) {
      [memory[offset], memory[length], memory[slot]] = [o, l, s];
      expect(signBatch?.(0, 1), `${o} ${l} ${s}`).toBe(2);
    }
    [memory[offset], memory[length], memory[slot]] = [bytes - 10, 10, 4095];
    expect(signBatch?.(0, 1)).toBe(0);
  });
});
