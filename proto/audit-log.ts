/**
 * The audit log as its readers check it, for both ends: what a record's hash and a head's signature are of, and the proofs of
 * RFC 9162 (which are those of RFC 6962). Hashes are SHA-256.
 */

/** SHA-256, at once or later: browsers have only the latter. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A record of the log with its place. */
export interface AuditLogRecord {
  readonly tenantId: string;
  readonly index: number;
  readonly atMs: number;
  /** `account:<id>`, `device:<id>`, `service:<name>`; null: somebody unknown. */
  readonly principal: string | null;
  readonly operation: string;
  readonly class: string;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
  readonly objects: readonly string[];
  readonly reason: string | null;
  readonly leftOut: number;
  /** SHA-256 of a text that is kept beside the log: a receipt. Null: there is none. */
  readonly contentHash: Uint8Array | null;
}

/** A log as it was at some time: its first `size` records, under one hash. */
export interface AuditLogHead {
  readonly tenantId: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly signedAtMs: number;
}

/** The hash of records `from` to `to`, without `to`, as a tree of their own. */
export type RangeHash = (from: number, to: number) => Promise<Uint8Array>;

/** What the first record follows: no hash. */
export const NO_HASH = new Uint8Array(32);

const utf8 = new TextEncoder();

/** Bytes in hexadecimal, in lower case. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** What hexadecimal says; null for a text of another length than `bytes`, or with other digits. */
export function fromHex(text: string, bytes: number): Uint8Array | null {
  if (text.length !== 2 * bytes || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: bytes }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}

/** The hash of a record that follows one with the hash `before`: the leaf of the tree, and the link of the chain. */
export function hashRecord(record: AuditLogRecord, before: Uint8Array, sha256: Sha256) {
  const lines = [
    'yggdrasil audit record 1',
    record.tenantId,
    record.index,
    toHex(before),
    record.atMs,
    record.principal ?? '',
    record.operation,
    record.class,
    record.outcome,
    record.objects.join(','),
    record.reason ?? '',
    record.leftOut,
    ...(record.contentHash === null ? [] : [toHex(record.contentHash)]),
  ];
  return sha256(joined(LEAF, utf8.encode(lines.join('\n'))));
}

/** What the server signs of a head. */
export function headBytes({ tenantId, size, root, signedAtMs }: AuditLogHead): Uint8Array {
  return utf8.encode(['yggdrasil audit head 1', tenantId, size, toHex(root), signedAtMs].join('\n'));
}

/** What a witness signs of a head: not what the server signs, so that neither signature can be passed for the other. */
export function countersignedBytes({ tenantId, size, root }: Omit<AuditLogHead, 'signedAtMs'>): Uint8Array {
  return utf8.encode(['yggdrasil audit witness 1', tenantId, size, toHex(root)].join('\n'));
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of a tree whose halves have these (RFC 9162 section 2.1.1). */
export const hashPair = (left: Uint8Array, right: Uint8Array, sha256: Sha256) =>
  sha256(joined(NODE, left, right));

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** The largest power of two below `count`, which is 2 at least. */
export function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** The hash of a tree with these leaves, one at least (RFC 9162 section 2.1.1). */
export async function hashTree(leaves: readonly Uint8Array[], sha256: Sha256): Promise<Uint8Array> {
  const stack: { readonly hash: Uint8Array; readonly count: number }[] = [];
  const merge = async () => {
    const [left, right] = stack.splice(-2) as [(typeof stack)[number], (typeof stack)[number]];
    stack.push({ hash: await hashPair(left.hash, right.hash, sha256), count: left.count + right.count });
  };
  for (const leaf of leaves) {
    stack.push({ hash: leaf, count: 1 });
    while (stack.length > 1 && stack.at(-1)?.count === stack.at(-2)?.count) await merge();
  }
  while (stack.length > 1) await merge();
  return (stack[0] as (typeof stack)[number]).hash;
}

/** What proves that the record `index` is in a log of `size`, which is more (RFC 9162 section 2.1.3.1). */
export async function proveInclusion(index: number, size: number, hash: RangeHash): Promise<Uint8Array[]> {
  const path: Promise<Uint8Array>[] = [];
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.push(hash(middle, to));
      to = middle;
    } else {
      path.push(hash(from, middle));
      from = middle;
    }
  }
  return (await Promise.all(path)).reverse();
}

/** True where the record with this hash is the record `index` of the log with this root (RFC 9162 section 2.1.3.2). */
export async function isIncluded(
  record: { readonly hash: Uint8Array; readonly index: number },
  head: Pick<AuditLogHead, 'size' | 'root'>,
  path: readonly Uint8Array[],
  sha256: Sha256,
): Promise<boolean> {
  if (record.index < 0 || record.index >= head.size) return false;
  let place = record.index;
  let last = head.size - 1;
  let hash = record.hash;
  for (const sibling of path) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = await hashPair(sibling, hash, sha256);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await hashPair(hash, sibling, sha256);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && isSame(hash, head.root);
}

/** What proves that a log of `from` records, one at least, is the beginning of one of `to`, which is not less (RFC 9162 section 2.1.4.1). */
export async function proveConsistency(from: number, to: number, hash: RangeHash): Promise<Uint8Array[]> {
  const path: Promise<Uint8Array>[] = [];
  let [begin, end] = [0, to];
  while (from !== end) {
    const middle = begin + splitOf(end - begin);
    if (from <= middle) {
      path.push(hash(middle, end));
      end = middle;
    } else {
      path.push(hash(begin, middle));
      begin = middle;
    }
  }
  if (begin > 0) path.push(hash(begin, end));
  return (await Promise.all(path)).reverse();
}

/** True where the log with the head `before` is the beginning of the one with the head `after` (RFC 9162 section 2.1.4.2). */
export async function isContinued(
  before: Pick<AuditLogHead, 'size' | 'root'>,
  after: Pick<AuditLogHead, 'size' | 'root'>,
  path: readonly Uint8Array[],
  sha256: Sha256,
): Promise<boolean> {
  if (before.size < 1 || before.size > after.size) return false;
  if (before.size === after.size) return path.length === 0 && isSame(before.root, after.root);
  const hashes = isPowerOfTwo(before.size) ? [before.root, ...path] : [...path];
  let place = before.size - 1;
  let last = after.size - 1;
  while (place % 2 === 1) {
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  const first = hashes.shift();
  if (first === undefined) return false;
  let [older, newer] = [first, first];
  for (const hash of hashes) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      older = await hashPair(hash, older, sha256);
      newer = await hashPair(hash, newer, sha256);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      newer = await hashPair(newer, hash, sha256);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && isSame(older, before.root) && isSame(newer, after.root);
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}

/** True for the same bytes. None of them is secret. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
