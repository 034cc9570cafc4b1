import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** The bytes of a file, packed by gzip. Throws where it can't be read. */
export function readPackedFile(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(readFileSync(path)));
}
