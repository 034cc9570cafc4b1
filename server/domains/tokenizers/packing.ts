import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { tokenizerTooLarge, tokenizerUnreadable } from './errors.ts';
import { TOKENIZER_BYTES_MAX } from './limits.ts';

const packAsync = promisify(gzip);

/** A tokenizer's file, with the SHA-256 of it in hexadecimal. */
export interface UnpackedTokenizer {
  readonly content: Uint8Array;
  readonly hash: string;
}

/** True for what gzip made (RFC 1952 section 2.3.1). */
const isPacked = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The file, unpacked where it is packed by gzip, piece by piece: others have their turn meanwhile. Refuses with `tokenizer_too_large`
 * before more than that is in memory, and with `tokenizer_unreadable`.
 */
export async function unpack(bytes: Uint8Array): Promise<UnpackedTokenizer> {
  const hash = createHash('sha256');
  if (!isPacked(bytes)) return { content: bytes, hash: hash.update(bytes).digest('hex') };
  const pieces: Uint8Array[] = [];
  let length = 0;
  const unpacking = createGunzip();
  unpacking.end(bytes);
  try {
    for await (const piece of unpacking as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > TOKENIZER_BYTES_MAX) throw tokenizerTooLarge();
      hash.update(piece);
      pieces.push(piece);
    }
  } catch (error) {
    throw length > TOKENIZER_BYTES_MAX ? error : tokenizerUnreadable(error);
  }
  return { content: Buffer.concat(pieces), hash: hash.digest('hex') };
}

/** The file as it is kept. */
export async function pack(content: Uint8Array): Promise<Uint8Array> {
  return packAsync(content);
}
