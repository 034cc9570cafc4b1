import type { Random } from '../../../server/kernel/random.ts';

/** Bytes at which length fields, signs and ends of text lie. */
const TELLING_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x20, 0x22, 0x7b];
const CHANGES_MAX = 4;
const RANGE_BYTES_MAX = 64;

/** Makes inputs out of real ones: bits flipped, bytes set, ranges cut out, doubled and mixed with another input's. */
export function createMutator(corpus: readonly Uint8Array[], random: Random): () => Uint8Array {
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const spliced = (bytes: Buffer, at: number, removed: number, inserted: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
  const rangeOf = (bytes: Uint8Array) => {
    const start = below(bytes.length + 1);
    return bytes.subarray(start, start + 1 + below(RANGE_BYTES_MAX));
  };
  const change = (bytes: Buffer): Buffer => {
    const at = below(bytes.length + 1);
    const length = 1 + below(RANGE_BYTES_MAX);
    switch (below(7)) {
      case 0:
        return spliced(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << below(8))));
      case 1:
        return spliced(bytes, at, 1, Uint8Array.of(pick(TELLING_BYTES)));
      case 2:
        return spliced(bytes, at, length, new Uint8Array(0));
      case 3:
        return spliced(bytes, at, 0, rangeOf(bytes));
      case 4:
        return spliced(bytes, at, 0, random.bytes(1 + below(8)));
      case 5:
        return bytes.subarray(0, at);
      default:
        return spliced(bytes, at, length, rangeOf(pick(corpus)));
    }
  };
  return () => {
    let bytes: Buffer = Buffer.from(pick(corpus));
    for (let changes = 1 + below(CHANGES_MAX); changes > 0; changes--) bytes = change(bytes);
    return new Uint8Array(bytes);
  };
}
