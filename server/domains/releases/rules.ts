import { decodeReleaseManifest, type ReleaseManifest } from '../../../proto/index.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import { RELEASE_PART_BYTES } from './limits.ts';
import type { ReleaseKey, SignedManifest } from './types.ts';

/** How many parts a content has. */
export function partCount(contentBytes: number): number {
  return Math.ceil(contentBytes / RELEASE_PART_BYTES);
}

/** Bytes of a part. */
export function partBytes(contentBytes: number, index: number): number {
  return Math.min(RELEASE_PART_BYTES, contentBytes - index * RELEASE_PART_BYTES);
}

/** A manifest of our own database. Throws InvariantError for what is none. */
export function readManifest(manifest: Uint8Array): ReleaseManifest {
  const described = decodeReleaseManifest(manifest);
  if (described === null) throw new InvariantError('a release without a manifest');
  return described;
}

/** What the manifest says, and the key that signed it. Refuses with `release_manifest_malformed`, `release_signature_wrong`. */
export function readSigned(
  { manifest, signature }: SignedManifest,
  keys: readonly ReleaseKey[],
  ed25519: Pick<Ed25519, 'isSignedBy'>,
): { readonly described: ReleaseManifest; readonly key: ReleaseKey } {
  const described = decodeReleaseManifest(manifest);
  if (described === null) {
    throw new AppError(
      'invalid',
      'release_manifest_malformed',
      'The manifest is none, or says what may not be.',
    );
  }
  const key = keys.find(({ publicKey }) => ed25519.isSignedBy(publicKey, manifest, signature));
  if (key === undefined) {
    throw new AppError(
      'forbidden',
      'release_signature_wrong',
      'None of the keys that you allow signed this manifest.',
    );
  }
  return { described, key };
}

/** What becomes of a part, given how many bytes are there. */
export type PartDecision = 'next' | 'there' | 'wrong';

/** A part that is there is accepted again and changes nothing; any other must be the next one and whole. */
export function decidePart(
  release: { readonly contentBytes: number; readonly receivedBytes: number },
  index: number,
  bytes: number,
): PartDecision {
  if (index >= partCount(release.contentBytes) || bytes !== partBytes(release.contentBytes, index))
    return 'wrong';
  const startsAt = index * RELEASE_PART_BYTES;
  if (startsAt < release.receivedBytes) return 'there';
  return startsAt === release.receivedBytes ? 'next' : 'wrong';
}
