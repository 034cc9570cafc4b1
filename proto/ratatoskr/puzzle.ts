import type { NoiseCrypto } from './noise.ts';

/**
 * Work that a server asks for before it agrees on keys, so that beginning a handshake costs its client more than the server (Hashcash,
 * Back 2002): SHA-256 of puzzle and solution has so many leading bits that are 0.
 */
export interface Puzzle {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Bytes of a puzzle, at random. */
export const PUZZLE_BYTES = 16;
/** Bytes of its solution. */
export const SOLUTION_BYTES = 8;
/** The hardest one that a client solves: a quarter of a million hashes on average. A server that asks for more holds it up. */
export const PUZZLE_BITS_MAX = 18;

type Hash = Pick<NoiseCrypto, 'sha256'>;

/** Finds the solution, by trying: 2^bits hashes on average. */
export function solve({ bytes, bits }: Puzzle, { sha256 }: Hash): Uint8Array {
  const tried = new Uint8Array(PUZZLE_BYTES + SOLUTION_BYTES);
  tried.set(bytes);
  const view = new DataView(tried.buffer);
  for (let number = 0; ; number++) {
    view.setUint32(PUZZLE_BYTES + 4, number);
    if (leadingZeroBits(sha256(tried)) >= bits) return tried.slice(PUZZLE_BYTES);
  }
}

/** Whether this solves it: one hash. */
export function isSolution({ bytes, bits }: Puzzle, solution: Uint8Array, { sha256 }: Hash): boolean {
  if (solution.length !== SOLUTION_BYTES) return false;
  const tried = new Uint8Array(PUZZLE_BYTES + SOLUTION_BYTES);
  tried.set(bytes);
  tried.set(solution, PUZZLE_BYTES);
  return leadingZeroBits(sha256(tried)) >= bits;
}

function leadingZeroBits(hash: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = hash;
  return Math.clz32((a << 24) | (b << 16) | (c << 8) | d);
}
