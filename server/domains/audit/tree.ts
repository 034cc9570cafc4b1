import { hashPair, hashTree, type RangeHash, splitOf } from '../../../proto/index.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { BLOCK_LEVEL, BLOCK_RECORDS } from './limits.ts';
import type { ChainReader } from './ports.ts';
import { sha256 } from './sha256.ts';
import type { Chain, TreeNode } from './types.ts';

/** The tree over a chain, read from nodes of whole blocks and from the records of the others. */
export interface ChainTree {
  /** Of full subtrees, and of what ends with the tree. Throws InvariantError where a block is gone that it needs. */
  readonly hash: RangeHash;
  /** The nodes that weren't kept yet. */
  readonly made: readonly TreeNode[];
}

const keyOf = (level: number, index: number) => `${level} ${index}`;

/** Reads the tree of a chain, and makes the nodes of the blocks that are whole since. */
export async function readTree(
  reader: Pick<ChainReader, 'listNodes' | 'listHashes'>,
  chain: Pick<Chain, 'tenantId' | 'size' | 'firstIndex'>,
): Promise<ChainTree> {
  const { tenantId, size, firstIndex } = chain;
  const kept = await reader.listNodes(tenantId);
  const nodes = new Map(kept.map((node) => [keyOf(node.level, node.index), node.hash]));
  const made: TreeNode[] = [];
  const add = (level: number, index: number, hash: Uint8Array) => {
    nodes.set(keyOf(level, index), hash);
    made.push({ level, index, hash });
  };
  const known = kept.filter(({ level }) => level === BLOCK_LEVEL).map(({ index }) => index + 1);
  const blocks = createBlocks(reader, tenantId);
  for (
    let block = Math.max(firstIndex / BLOCK_RECORDS, ...known);
    (block + 1) * BLOCK_RECORDS <= size;
    block++
  ) {
    let hash = await hashTree(await blocks.read(block), sha256);
    add(BLOCK_LEVEL, block, hash);
    for (let [level, index] = [BLOCK_LEVEL, block]; index % 2 === 1; ) {
      hash = await hashPair(nodeOf(nodes, level, index - 1), hash, sha256);
      [level, index] = [level + 1, (index - 1) / 2];
      add(level, index, hash);
    }
  }
  const hash: RangeHash = async (from, to) => {
    const count = to - from;
    const level = Math.log2(count);
    if (Number.isInteger(level) && level >= BLOCK_LEVEL && from % count === 0) {
      return nodeOf(nodes, level, from / count);
    }
    const block = Math.floor(from / BLOCK_RECORDS);
    if (to <= (block + 1) * BLOCK_RECORDS) {
      const leaves = await blocks.read(block);
      const begin = block * BLOCK_RECORDS;
      if (leaves.length < to - begin) throw new InvariantError('records of the audit are missing');
      return hashTree(leaves.slice(from - begin, to - begin), sha256);
    }
    const middle = from + splitOf(count);
    return hashPair(await hash(from, middle), await hash(middle, to), sha256);
  };
  return { hash, made };
}

function nodeOf(nodes: ReadonlyMap<string, Uint8Array>, level: number, index: number): Uint8Array {
  const hash = nodes.get(keyOf(level, index));
  if (hash === undefined) throw new InvariantError('a node of the audit is missing');
  return hash;
}

/** Blocks of leaves, each read once. */
function createBlocks(reader: Pick<ChainReader, 'listHashes'>, tenantId: TenantId) {
  const blocks = new Map<number, Promise<readonly Uint8Array[]>>();
  return {
    read(block: number): Promise<readonly Uint8Array[]> {
      const begin = block * BLOCK_RECORDS;
      const hashes = blocks.get(block) ?? reader.listHashes(tenantId, begin, begin + BLOCK_RECORDS);
      blocks.set(block, hashes);
      return hashes;
    },
  };
}
