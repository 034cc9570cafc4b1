import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { publicKeyOf } from '../../device/scripts/package.ts';
import { encodeReleaseManifest, type ReleaseManifest } from '../../proto/index.ts';
import { RELEASE_PART_BYTES } from '../../server/domains/releases/limits.ts';
import type { TestServer } from './server.ts';

/** An owner of releases, and a stranger. */
export const publisher = generateKeyPairSync('ed25519').privateKey;
export const forger = generateKeyPairSync('ed25519').privateKey;
export const publisherKey = publicKeyOf(publisher);

/** What a release is made of: its manifest, signature and content. */
export interface MadeRelease {
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
  readonly content: Uint8Array;
}

/** A signed release of this content. */
export function makeRelease(
  content: Uint8Array | string,
  described: Partial<ReleaseManifest> = {},
  key: KeyObject = publisher,
): MadeRelease {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const manifest = encodeReleaseManifest({
    kind: 'firmware',
    name: 'lamp',
    version: 1,
    target: 'virtual',
    oldestVersion: 0,
    contentBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest(),
    ...described,
  });
  return { manifest, signature: sign(null, manifest, key), content: bytes };
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** Manifest and signature, as REST takes them. */
export const signedBody = ({ manifest, signature }: MadeRelease) => ({
  manifest: base64url(manifest),
  signature: base64url(signature),
});

/** Lets the publisher's key sign; its id. */
export async function allowPublisher(server: TestServer, token: string): Promise<string> {
  const body = { name: 'Secret key', publicKey: base64url(publisherKey) };
  return (await server.post<{ id: string }>('/api/v1/release-keys', body, token)).id;
}

/** Brings a part of a release. */
export async function putPart(
  server: Pick<TestServer, 'httpUrl'>,
  token: string,
  part: { readonly releaseId: string; readonly index: number; readonly data: Uint8Array },
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${server.httpUrl}/api/v1/releases/${part.releaseId}/parts/${part.index}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: Buffer.from(part.data),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Makes a release and brings all of it; its id. */
export async function upload(server: TestServer, token: string, release: MadeRelease): Promise<string> {
  const { id } = await server.post<{ id: string }>('/api/v1/releases', signedBody(release), token);
  for (let index = 0; index * RELEASE_PART_BYTES < release.content.length; index++) {
    const start = index * RELEASE_PART_BYTES;
    const data = release.content.subarray(start, start + RELEASE_PART_BYTES);
    const { status, body } = await putPart(server, token, { releaseId: id, index, data });
    if (status !== 200) throw new Error(`part ${index}: ${JSON.stringify(body)}`);
  }
  return id;
}
