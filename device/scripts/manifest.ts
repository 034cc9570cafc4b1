import { SCRIPT_ABI_VERSION } from '../sdk/natives.ts';
import {
  BYTES_PER_MINUTE_MAX,
  CALL_MS_MAX,
  CALLS_PER_SECOND_MAX,
  INSTRUCTIONS_MAX,
  MEMORY_BYTES_MAX,
  MODULE_BYTES_MAX,
  PAGE_BYTES,
  STACK_BYTES_MAX,
} from './limits.ts';

/** What a script is and may use; its owner signs the bytes of it. docs/scripts.md has the layout. */
export interface ScriptManifest {
  /** `[a-z][a-z0-9_]{0,22}`: it is called as `Script_<name>`. */
  readonly name: string;
  /** From 1; a device takes a higher one only. */
  readonly version: number;
  readonly abiVersion: number;
  readonly moduleBytes: number;
  /** Linear memory, whole pages of 256 bytes; 0 for none. */
  readonly memoryBytes: number;
  /** WebAssembly stack: locals and frames of the deepest call. */
  readonly stackBytes: number;
  /** Of one call. */
  readonly instructionsMax: number;
  readonly callMsMax: number;
  readonly callsPerSecondMax: number;
  /** Published, logged and stored. */
  readonly bytesPerMinuteMax: number;
  /** 0 to 7; of scripts that are due at once, the one with the highest is called first. */
  readonly priority: number;
  /** SHA-256 of the module, 32 bytes. */
  readonly sha256: Uint8Array;
}

export const MANIFEST_BYTES = 100;
export const SIGNATURE_BYTES = 64;
/** What stands before the module in a package: manifest and signature. */
export const HEAD_BYTES = MANIFEST_BYTES + SIGNATURE_BYTES;

/** "YGS1": what is signed can't be taken for anything else. */
const MAGIC = 0x31534759;
/** The only architecture so far: WebAssembly 1.0, 32 bits. */
const WASM32 = 1;
const NAME_OFFSET = 44;
const NAME_BYTES = 24;
const HASH_OFFSET = 68;
const NAME = /^[a-z][a-z0-9_]{0,22}$/;
const PRIORITY_MAX = 7;
const VERSION_MAX = 0xffff_ffff;

/** Whether a script may have this name. */
export function isScriptName(name: string): boolean {
  return NAME.test(name);
}

/** Why bytes are no manifest that a device takes. */
export type ManifestFault = 'script_manifest_malformed' | 'script_abi_unsupported' | 'script_too_large';

/** The bytes that are signed. Throws a RangeError for what no device would take. */
export function encodeManifest(manifest: ScriptManifest): Uint8Array {
  const bytes = new Uint8Array(MANIFEST_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, manifest.abiVersion, true);
  view.setUint16(6, WASM32, true);
  const numbers = [
    manifest.moduleBytes,
    manifest.version,
    manifest.memoryBytes,
    manifest.stackBytes,
    manifest.instructionsMax,
    manifest.callMsMax,
    manifest.callsPerSecondMax,
    manifest.bytesPerMinuteMax,
    manifest.priority,
  ];
  for (const [index, number] of numbers.entries()) view.setUint32(8 + index * 4, number, true);
  bytes.set(new TextEncoder().encode(manifest.name).subarray(0, NAME_BYTES), NAME_OFFSET);
  bytes.set(manifest.sha256, HASH_OFFSET);
  const decoded = decodeManifest(bytes);
  if (!decoded.ok || decoded.manifest.name !== manifest.name) {
    throw new RangeError(`no device takes this manifest: ${decoded.ok ? 'its name' : decoded.fault}`);
  }
  return bytes;
}

/** Reads a manifest that anybody may have written. */
export function decodeManifest(
  bytes: Uint8Array,
): { ok: true; manifest: ScriptManifest } | { ok: false; fault: ManifestFault } {
  const malformed = { ok: false, fault: 'script_manifest_malformed' } as const;
  if (bytes.length !== MANIFEST_BYTES) return malformed;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) return malformed;
  const number = (index: number) => view.getUint32(8 + index * 4, true);
  const nameBytes = bytes.subarray(NAME_OFFSET, NAME_OFFSET + NAME_BYTES);
  const end = nameBytes.indexOf(0);
  const name = String.fromCharCode(...nameBytes.subarray(0, Math.max(0, end)));
  if (!isScriptName(name) || nameBytes.subarray(end).some((byte) => byte !== 0)) return malformed;
  if (view.getUint16(4, true) !== SCRIPT_ABI_VERSION || view.getUint16(6, true) !== WASM32) {
    return { ok: false, fault: 'script_abi_unsupported' };
  }
  const manifest: ScriptManifest = {
    name,
    abiVersion: view.getUint16(4, true),
    moduleBytes: number(0),
    version: number(1),
    memoryBytes: number(2),
    stackBytes: number(3),
    instructionsMax: number(4),
    callMsMax: number(5),
    callsPerSecondMax: number(6),
    bytesPerMinuteMax: number(7),
    priority: number(8),
    sha256: bytes.slice(HASH_OFFSET),
  };
  if (manifest.moduleBytes > MODULE_BYTES_MAX || manifest.memoryBytes > MEMORY_BYTES_MAX) {
    return { ok: false, fault: 'script_too_large' };
  }
  return areLimitsGood(manifest) ? { ok: true, manifest } : malformed;
}

function areLimitsGood(manifest: ScriptManifest): boolean {
  const isWithin = (value: number, least: number, most: number) => value >= least && value <= most;
  return (
    isWithin(manifest.version, 1, VERSION_MAX) &&
    manifest.moduleBytes > 0 &&
    manifest.memoryBytes % PAGE_BYTES === 0 &&
    isWithin(manifest.stackBytes, 1, STACK_BYTES_MAX) &&
    isWithin(manifest.instructionsMax, 1, INSTRUCTIONS_MAX) &&
    isWithin(manifest.callMsMax, 1, CALL_MS_MAX) &&
    isWithin(manifest.callsPerSecondMax, 1, CALLS_PER_SECOND_MAX) &&
    isWithin(manifest.bytesPerMinuteMax, 0, BYTES_PER_MINUTE_MAX) &&
    isWithin(manifest.priority, 0, PRIORITY_MAX)
  );
}
