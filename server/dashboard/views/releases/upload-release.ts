import { ApiError, ask, askList, send } from '../../api/http.ts';
import type { Release } from '../../api/types.ts';

/** A `.ygr` begins with what was signed (docs/updates.md) and its signature; the content follows. */
const MANIFEST_BYTES = 96;
const HEAD_BYTES = 160;
/** "YGR1". */
const MAGIC = 'YGR1';
const VERSION_OFFSET = 12;
const HASH_OFFSET = 64;

/** The file is no signed release. */
export class NoRelease extends Error {
  override readonly name = 'NoRelease';
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/**
 * Brings a release to the server part by part, and goes on where an earlier upload of it ended. `progress` is told the share that has
 * arrived. Throws NoRelease, what `send` throws, and the reason of `signal` once that is aborted: what has arrived stays.
 */
export async function uploadRelease(
  file: Uint8Array<ArrayBuffer>,
  progress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Release> {
  const manifest = file.subarray(0, MANIFEST_BYTES);
  if (file.length <= HEAD_BYTES || String.fromCharCode(...file.subarray(0, MAGIC.length)) !== MAGIC) {
    throw new NoRelease('no release');
  }
  const content = file.subarray(HEAD_BYTES);
  let release = await beginRelease(manifest, file.subarray(MANIFEST_BYTES, HEAD_BYTES));
  while (release.completedAt === null) {
    signal.throwIfAborted();
    const { id, receivedBytes, contentBytes, partBytes } = release;
    progress(receivedBytes / contentBytes);
    const response = await send('PUT', `/api/v1/releases/${id}/parts/${receivedBytes / partBytes}`, {
      bytes: content.subarray(receivedBytes, receivedBytes + partBytes),
      signal,
    });
    const next = (await response.json()) as Release;
    // The file is shorter than what was signed: the server waits for more.
    if (next.receivedBytes <= receivedBytes) throw new NoRelease('a part is missing');
    release = next;
  }
  return release;
}

async function beginRelease(manifest: Uint8Array, signature: Uint8Array): Promise<Release> {
  try {
    return await ask<Release>('POST', '/releases', {
      manifest: base64url(manifest),
      signature: base64url(signature),
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'release_exists')) throw error;
    const known = (await askList<Release>('/releases')).find((release) => isSame(release, manifest));
    if (known === undefined) throw error;
    return known;
  }
}

/** True for the release of this manifest: of the same content and version. */
function isSame({ sha256, version }: Release, manifest: Uint8Array): boolean {
  const hash = [...manifest.subarray(HASH_OFFSET, MANIFEST_BYTES)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  const view = new DataView(manifest.buffer, manifest.byteOffset, manifest.length);
  return sha256 === hash && version === view.getUint32(VERSION_OFFSET, true);
}
