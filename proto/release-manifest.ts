/** What a release is, in the 96 bytes that its owner signs, for both ends. docs/updates.md has the layout. */

/** What a release brings: an image that the device starts, or a script beside its program. */
export const RELEASE_KINDS = ['firmware', 'script'] as const;
export type ReleaseKind = (typeof RELEASE_KINDS)[number];

/** A release, as its owner describes it. */
export interface ReleaseManifest {
  readonly kind: ReleaseKind;
  /** `[a-z][a-z0-9_.-]{0,21}`, as `target`. */
  readonly name: string;
  /** From 1 to 2^32 - 1; a higher one is newer. */
  readonly version: number;
  /** The kind of machine it is for: `esp32c3`, `linux-x64`. */
  readonly target: string;
  readonly contentBytes: number;
  /** SHA-256 of the content, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Once this release is confirmed, the device takes no version below this any more, whoever asks; 0: it takes any. */
  readonly oldestVersion: number;
}

export const RELEASE_MANIFEST_BYTES = 96;
export const RELEASE_SIGNATURE_BYTES = 64;
/** Bytes of a release's content, at most: 16 MiB. */
export const RELEASE_CONTENT_BYTES_MAX = 16_777_216;
/** Bytes that a device asks for at once, at most: with its frame they fit the buffers of a small device. */
export const UPDATE_PART_BYTES_MAX = 4_096;

/** "YGR1": what is signed can't be taken for anything else. */
const MAGIC = 0x31524759;
const NAME_OFFSET = 20;
const TARGET_OFFSET = 42;
const TEXT_BYTES = 22;
const HASH_OFFSET = 64;
const HASH_BYTES = 32;
const TEXT = /^[a-z][a-z0-9_.-]{0,21}$/;

/** Whether a release may have this name, or a machine this kind. */
export function isReleaseName(text: string): boolean {
  return TEXT.test(text);
}

/** The bytes that are signed. Throws a RangeError for what nobody would take. */
export function encodeReleaseManifest(manifest: ReleaseManifest): Uint8Array {
  const bytes = new Uint8Array(RELEASE_MANIFEST_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, RELEASE_KINDS.indexOf(manifest.kind) + 1, true);
  view.setUint32(8, manifest.contentBytes, true);
  view.setUint32(12, manifest.version, true);
  view.setUint32(16, manifest.oldestVersion, true);
  const encoder = new TextEncoder();
  bytes.set(encoder.encode(manifest.name).subarray(0, TEXT_BYTES), NAME_OFFSET);
  bytes.set(encoder.encode(manifest.target).subarray(0, TEXT_BYTES), TARGET_OFFSET);
  bytes.set(manifest.sha256.subarray(0, HASH_BYTES), HASH_OFFSET);
  const decoded = decodeReleaseManifest(bytes);
  const isSame =
    decoded !== null &&
    (['kind', 'name', 'version', 'target', 'contentBytes', 'oldestVersion'] as const).every(
      (key) => decoded[key] === manifest[key],
    );
  if (!isSame || manifest.sha256.length !== HASH_BYTES) throw new RangeError('nobody takes this manifest');
  return bytes;
}

/** Reads a manifest that anybody may have written; null for what is none. */
export function decodeReleaseManifest(bytes: Uint8Array): ReleaseManifest | null {
  if (bytes.length !== RELEASE_MANIFEST_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const number = (offset: number) => view.getUint32(offset, true);
  const kind = RELEASE_KINDS[number(4) - 1];
  const name = readText(bytes, NAME_OFFSET);
  const target = readText(bytes, TARGET_OFFSET);
  const [contentBytes, version, oldestVersion] = [number(8), number(12), number(16)];
  if (number(0) !== MAGIC || kind === undefined || name === null || target === null) return null;
  const isInRange = contentBytes >= 1 && contentBytes <= RELEASE_CONTENT_BYTES_MAX && version >= 1;
  if (!isInRange || oldestVersion > version) return null;
  return { kind, name, version, target, contentBytes, oldestVersion, sha256: bytes.slice(HASH_OFFSET) };
}

/** A text that is filled up with zeros; null for another. */
function readText(bytes: Uint8Array, offset: number): string | null {
  const field = bytes.subarray(offset, offset + TEXT_BYTES);
  const zero = field.indexOf(0);
  const end = zero < 0 ? TEXT_BYTES : zero;
  if (field.subarray(end).some((byte) => byte !== 0)) return null;
  const text = String.fromCharCode(...field.subarray(0, end));
  return isReleaseName(text) ? text : null;
}
