import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  hashTree,
  isContinued,
  isIncluded,
  proveConsistency,
  proveInclusion,
  splitOf,
  toHex,
} from '../../../proto/index.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const leafOf = (text: string) => sha256(Buffer.concat([Buffer.of(0), Buffer.from(text, 'hex')]));

/** The leaves that the Certificate Transparency project tests its trees with (merkle_tree_test.cc). */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(leafOf);
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** By the definition in RFC 9162 section 2.1.1, word for word. */
async function rootByDefinition(leaves: readonly Uint8Array[]): Promise<Uint8Array> {
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  const split = splitOf(leaves.length);
  const halves = [
    await rootByDefinition(leaves.slice(0, split)),
    await rootByDefinition(leaves.slice(split)),
  ];
  return sha256(Buffer.concat([Buffer.of(1), ...halves]));
}

describe('the hash of a tree', () => {
  it.each(ROOTS.map((root, index) => [index + 1, root]))(
    'of %i leaves is the published one',
    async (count, root) => {
      expect(toHex(await hashTree(LEAVES.slice(0, Number(count)), sha256))).toBe(root);
    },
  );

  it('is what the definition says, for every size to 70', async () => {
    const leaves = Array.from({ length: 70 }, (_, index) => leafOf(index.toString(16).padStart(2, '0')));
    for (let size = 1; size <= leaves.length; size++) {
      const some = leaves.slice(0, size);
      expect(toHex(await hashTree(some, sha256))).toBe(toHex(await rootByDefinition(some)));
    }
  });
});

describe('proofs', () => {
  const leaves = Array.from({ length: 40 }, (_, index) => leafOf(index.toString(16).padStart(2, '0')));
  const range = (from: number, to: number) => hashTree(leaves.slice(from, to), sha256);
  const headOf = async (size: number) => ({ size, root: await range(0, size) });

  it('show each record in each log, and no other in its place', async () => {
    for (let size = 1; size <= leaves.length; size++) {
      const head = await headOf(size);
      for (let index = 0; index < size; index++) {
        const hash = leaves[index] as Uint8Array;
        const path = await proveInclusion(index, size, range);
        expect(await isIncluded({ hash, index }, head, path, sha256)).toBe(true);
        expect(await isIncluded({ hash, index: index + 1 }, head, path, sha256)).toBe(false);
        const other = leaves[(index + 1) % leaves.length] as Uint8Array;
        expect(await isIncluded({ hash: other, index }, head, path, sha256)).toBe(false);
        expect(await isIncluded({ hash, index }, head, [...path, hash], sha256)).toBe(false);
        if (path.length > 0) {
          expect(await isIncluded({ hash, index }, head, path.slice(1), sha256)).toBe(false);
        }
      }
    }
  });

  it('show each log as the beginning of each later one, and nothing else as it', async () => {
    for (let to = 1; to <= leaves.length; to++) {
      const after = await headOf(to);
      for (let from = 1; from <= to; from++) {
        const before = await headOf(from);
        const path = await proveConsistency(from, to, range);
        expect(await isContinued(before, after, path, sha256), `${from} ${to}`).toBe(true);
        const forged = { size: from, root: leaves[0] as Uint8Array };
        if (from > 1) expect(await isContinued(forged, after, path, sha256)).toBe(false);
        expect(await isContinued(after, before, path, sha256)).toBe(from === to);
        expect(await isContinued(before, after, [...path, after.root], sha256)).toBe(false);
        if (path.length > 0) expect(await isContinued(before, after, path.slice(1), sha256)).toBe(false);
      }
    }
  });
});
