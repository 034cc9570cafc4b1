import { readFileSync } from 'node:fs';
import type { ReleaseKind } from '../../proto/index.ts';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { printDone, printList } from '../node/print.ts';
import { type RestApi, restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';
import { createProgress } from '../node/terminal.ts';
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
  readonly json?: boolean;
}

/** What releases of scripts are for. */
const SCRIPT_TARGET = 'wasm32';
const OWN_FILE = 0o600;

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** `release keygen`: a key that is there stays. Prints the public half. */
export function makeKey(file: string, options: { readonly json?: boolean }): void {
  writeWhole(file, makeOwnerKey(), { mode: OWN_FILE, ifMissing: true });
  const publicKey = base64url(publicKeyOf(readOwnerKey(readFileSync(file, 'utf8'))));
  printDone(options, { publicKey }, `key ${publicKey}`);
}

/** `release sign`. Prints where the package is. */
export function signFile(file: string, options: SignOptions): void {
  const { key, kind, target, oldest, out, name, version, json = false } = options;
  const privateKey = readOwnerKey(readFileSync(key, 'utf8'));
  const forWhat = target ?? (kind === 'script' ? SCRIPT_TARGET : undefined);
  if (forWhat === undefined) throw new Error('say by --target what kind of machine the firmware is for');
  const described = { kind, name, version, target: forWhat, oldestVersion: oldest };
  const path = out ?? `${name}-${version}.ygr`;
  writeWhole(path, signRelease(described, readFileSync(file), privateKey), { mode: 0o644 });
  printDone({ json }, { path, kind, name, version, target: forWhat }, `release ${path}`);
}

/** `release allow`. */
export async function allowKey(
  publicKey: string,
  options: ServerOptions & { readonly name: string; readonly network?: string; readonly json?: boolean },
): Promise<void> {
  const body = { name: options.name, publicKey, networkId: options.network ?? null };
  const { id } = await restApi(options).ask<{ id: string }>('POST', '/api/v1/release-keys', body);
  printDone(options, { id }, `allowed as ${id}`);
}

/** `release upload`: done again, it goes on where it stopped. Prints the release's id last. */
export async function uploadRelease(
  file: string,
  options: ServerOptions & { readonly json?: boolean },
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
  const progress = createProgress();
  while (shown.receivedBytes < shown.contentBytes) {
    const { id, partBytes, receivedBytes } = shown;
    const path = `/api/v1/releases/${id}/parts/${receivedBytes / partBytes}`;
    shown = await api.put<ShownRelease>(path, content.subarray(receivedBytes, receivedBytes + partBytes));
    progress.say(`${shown.receivedBytes} of ${shown.contentBytes} bytes`);
  }
  progress.end();
  printDone(options, shown, `release ${shown.id}`);
}

/** `release list`. */
export async function listReleases(options: ServerOptions & { readonly json?: boolean }): Promise<void> {
  const releases = await listAll(restApi(options));
  const columns = {
    NAME: ({ name }: ShownRelease) => name,
    VERSION: ({ version }: ShownRelease) => String(version),
    KIND: ({ kind }: ShownRelease) => kind,
    FOR: ({ target }: ShownRelease) => target,
    BYTES: ({ completedAt, receivedBytes, contentBytes }: ShownRelease) =>
      completedAt === null ? `${receivedBytes} of ${contentBytes}` : String(contentBytes),
    ID: ({ id }: ShownRelease) => id,
  };
  printList(options, releases, columns, 'There is no release.');
}

async function listAll(api: RestApi): Promise<ShownRelease[]> {
  const found: ShownRelease[] = [];
  for await (const release of api.list<ShownRelease>('/api/v1/releases')) found.push(release);
  return found;
}
