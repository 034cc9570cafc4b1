import { createHash } from 'node:crypto';

/** SHA-256 of what comes piece by piece. */
export async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest();
}
