import { type KeyObject, sign } from 'node:crypto';
import {
  decodeReleaseManifest,
  encodeReleaseManifest,
  RELEASE_CONTENT_BYTES_MAX,
  RELEASE_MANIFEST_BYTES,
  RELEASE_SIGNATURE_BYTES,
  type ReleaseManifest,
} from '../../proto/index.ts';
import { sha256 } from '../scripts/package.ts';

/** A signed release, as it is uploaded: manifest, signature, content, one after the other in a `.ygr`. */
export interface ReleasePackage {
  readonly described: ReleaseManifest;
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
  readonly content: Uint8Array;
}

const HEAD_BYTES = RELEASE_MANIFEST_BYTES + RELEASE_SIGNATURE_BYTES;

/** Signs a content. Throws an Error for what no device would take. */
export function signRelease(
  described: Omit<ReleaseManifest, 'contentBytes' | 'sha256'>,
  content: Uint8Array,
  key: KeyObject,
): Uint8Array {
  if (content.length < 1 || content.length > RELEASE_CONTENT_BYTES_MAX) {
    throw new Error(`a release has 1 to ${RELEASE_CONTENT_BYTES_MAX} bytes, this one ${content.length}`);
  }
  const manifest = encodeReleaseManifest({
    ...described,
    contentBytes: content.length,
    sha256: sha256(content),
  });
  return Buffer.concat([manifest, sign(null, manifest, key), content]);
}

/** Reads a package; null for bytes that are none. Its signature and its hash aren't checked. */
export function readRelease(bytes: Uint8Array): ReleasePackage | null {
  const manifest = bytes.slice(0, RELEASE_MANIFEST_BYTES);
  const described = decodeReleaseManifest(manifest);
  if (described === null || bytes.length !== HEAD_BYTES + described.contentBytes) return null;
  return {
    described,
    manifest,
    signature: bytes.slice(RELEASE_MANIFEST_BYTES, HEAD_BYTES),
    content: bytes.slice(HEAD_BYTES),
  };
}
