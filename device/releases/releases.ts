import { readFileSync } from 'node:fs';
import type { ReleaseKind } from '../../proto/index.ts';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { type RestApi, type RestApiOptions, restApi } from '../node/rest-api.ts';
import { makeOwnerKey, publicKeyOf, readOwnerKey } from '../scripts/package.ts';
import { readRelease, signRelease } from './package.ts';

/** A release as REST shows it, as far as this program looks. */
interface ShownRelease {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  readonly target: string;
  readonly contentBytes: number;
  readonly receivedBytes: number;
  readonly partBytes: number;
  readonly completedAt: string | null;
  readonly sha256: string;
}

/** The options of `release sign`. */
export interface SignOptions {
  readonly key: string;
  readonly name: string;
  readonly version: number;
  readonly kind: ReleaseKind;
  readonly target?: string;
  readonly oldest: number;
  readonly out?: string;
}

/** What releases of scripts are for. */
const SCRIPT_TARGET = 'wasm32';
const OWN_FILE = 0o600;

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** `release keygen`: a key that is there stays. Prints the public half. */
export function makeKey(file: string): void {
  writeWhole(file, makeOwnerKey(), { mode: OWN_FILE, ifMissing: true });
  console.log(`key ${base64url(publicKeyOf(readOwnerKey(readFileSync(file, 'utf8'))))}`);
}

/** `release sign`. Prints where the package is. */
export function signFile(file: string, { key, kind, target, oldest, out, name, version }: SignOptions): void {
  const privateKey = readOwnerKey(readFileSync(key, 'utf8'));
  const forWhat = target ?? (kind === 'script' ? SCRIPT_TARGET : undefined);
  if (forWhat === undefined) throw new Error('say by --target what kind of machine the firmware is for');
  const described = { kind, name, version, target: forWhat, oldestVersion: oldest };
  const path = out ?? `${name}-${version}.ygr`;
  writeWhole(path, signRelease(described, readFileSync(file), privateKey), { mode: 0o644 });
  console.log(`release ${path}`);
}

/** `release allow`. */
export async function allowKey(
  publicKey: string,
  options: RestApiOptions & { readonly name: string; readonly network?: string },
): Promise<void> {
  const body = { name: options.name, publicKey, networkId: options.network ?? null };
  const { id } = await restApi(options).ask<{ id: string }>('POST', '/api/v1/release-keys', body);
  console.log(`allowed as ${id}`);
}

/** `release upload`: done again, it goes on where it stopped. Prints the release's id last. */
export async function uploadRelease(
  file: string,
  options: RestApiOptions & { readonly json?: true },
): Promise<void> {
  const release = readRelease(readFileSync(file));
  if (release === null) throw new Error(`${file} is no release: "yggdrasil release sign" makes one`);
  const { manifest, signature, content, described } = release;
  const api = restApi(options);
  const sha256 = Buffer.from(described.sha256).toString('hex');
  const isSame = (shown: ShownRelease) =>
    shown.sha256 === sha256 &&
    (['kind', 'name', 'target', 'version'] as const).every((key) => shown[key] === described[key]);
  let shown =
    (await listAll(api)).find(isSame) ??
    (await api.ask<ShownRelease>('POST', '/api/v1/releases', {
      manifest: base64url(manifest),
      signature: base64url(signature),
    }));
  while (shown.receivedBytes < shown.contentBytes) {
    const { id, partBytes, receivedBytes } = shown;
    const path = `/api/v1/releases/${id}/parts/${receivedBytes / partBytes}`;
    shown = await api.put<ShownRelease>(path, content.subarray(receivedBytes, receivedBytes + partBytes));
    if (options.json === undefined) console.log(`${shown.receivedBytes} of ${shown.contentBytes} bytes`);
  }
  console.log(options.json === undefined ? `release ${shown.id}` : JSON.stringify(shown));
}

/** `release list`. */
export async function listReleases(options: RestApiOptions & { readonly json?: true }): Promise<void> {
  const releases = await listAll(restApi(options));
  if (options.json !== undefined) console.log(JSON.stringify(releases));
  else for (const release of releases) console.log(lineOf(release));
}

function lineOf({ id, kind, name, version, target, ...release }: ShownRelease): string {
  const { completedAt, receivedBytes, contentBytes } = release;
  const state = completedAt === null ? `${receivedBytes} of ${contentBytes} bytes` : `${contentBytes} bytes`;
  return `${id} ${kind} ${name} ${version} for ${target}, ${state}`;
}

async function listAll(api: RestApi): Promise<ShownRelease[]> {
  const found: ShownRelease[] = [];
  for (let path: string | null = '/api/v1/releases?limit=200'; path !== null; ) {
    const page: { items: ShownRelease[]; next: string | null } = await api.ask('GET', path);
    found.push(...page.items);
    path = page.next === null ? null : `/api/v1/releases?limit=200&after=${page.next}`;
  }
  return found;
}
