import type { AdmittedModule } from '../../scripts/admission.ts';
import { admit } from '../../scripts/admission.ts';
import { CHUNK_BYTES_MAX } from '../../scripts/limits.ts';
import {
  decodeManifest,
  HEAD_BYTES,
  MANIFEST_BYTES,
  type ScriptManifest,
  SIGNATURE_BYTES,
} from '../../scripts/manifest.ts';
import { isSignedBy, sha256 } from '../../scripts/package.ts';
import { SCRIPT_POLICY } from '../../scripts/policy.ts';
import { isRunnable } from './instance.ts';
import { ADMISSION_CODES, ScriptRefusal } from './refusal.ts';
import type { ScriptStore } from './store.ts';

/** A package of the owner's that a device may run. */
export interface CheckedScript {
  readonly manifest: ScriptManifest;
  readonly module: Uint8Array;
  readonly admission: AdmittedModule;
}

/** Checks manifest and signature. Throws ScriptRefusal. */
export function checkHead(head: Uint8Array, ownerKey: Uint8Array | null): ScriptManifest {
  if (ownerKey === null) throw new ScriptRefusal('script_key_missing', "The device has no owner's key.");
  const manifestBytes = head.subarray(0, MANIFEST_BYTES);
  if (!isSignedBy(ownerKey, manifestBytes, head.subarray(MANIFEST_BYTES))) {
    throw new ScriptRefusal('script_signature_wrong', "The manifest isn't signed by the device's owner.");
  }
  const decoded = decodeManifest(manifestBytes);
  if (!decoded.ok) throw new ScriptRefusal(decoded.fault, 'The device takes no script of this manifest.');
  return decoded.manifest;
}

/** Checks a whole package: size, hash, admission, memory. Throws ScriptRefusal. */
export function checkPackage(bytes: Uint8Array, ownerKey: Uint8Array | null): CheckedScript {
  if (bytes.length < HEAD_BYTES) throw new ScriptRefusal('script_size_wrong', 'The package is cut off.');
  const manifest = checkHead(bytes.subarray(0, HEAD_BYTES), ownerKey);
  const module = bytes.subarray(HEAD_BYTES);
  if (module.length !== manifest.moduleBytes) {
    throw new ScriptRefusal(
      'script_size_wrong',
      `${module.length} of ${manifest.moduleBytes} bytes are there.`,
    );
  }
  if (Buffer.compare(sha256(module), manifest.sha256) !== 0) {
    throw new ScriptRefusal('script_hash_wrong', "The bytes aren't those of the manifest.");
  }
  const admission = admit(module, SCRIPT_POLICY);
  if (!admission.ok) {
    throw new ScriptRefusal(
      ADMISSION_CODES[admission.reason],
      `The device runs no such module: ${admission.reason}.`,
    );
  }
  if (!isRunnable(module)) {
    throw new ScriptRefusal(
      'script_module_invalid',
      'The module is invalid, or has no call of three numbers.',
    );
  }
  if (admission.memoryBytes !== manifest.memoryBytes) {
    throw new ScriptRefusal('script_size_wrong', `The module has ${admission.memoryBytes} bytes of memory.`);
  }
  return { manifest, module, admission };
}

/** The one upload that a device keeps, in its store, so that it can be resumed after a restart. */
export class Upload {
  readonly #store: ScriptStore;
  readonly #ownerKey: Uint8Array | null;

  constructor(store: ScriptStore, ownerKey: Uint8Array | null) {
    this.#store = store;
    this.#ownerKey = ownerKey;
  }

  /** Begins, or resumes the same upload. Returns how many bytes of the module are there. `mayBegin` refuses by throwing. */
  begin(manifest: Uint8Array, signature: Uint8Array, mayBegin: (manifest: ScriptManifest) => void): number {
    if (manifest.length !== MANIFEST_BYTES || signature.length !== SIGNATURE_BYTES) {
      throw new ScriptRefusal('script_manifest_malformed', 'A manifest is 100 bytes, a signature 64.');
    }
    const head = Buffer.concat([manifest, signature]);
    mayBegin(checkHead(head, this.#ownerKey));
    const kept = this.#store.incoming();
    if (Buffer.compare(kept.subarray(0, HEAD_BYTES), head) === 0) return kept.length - HEAD_BYTES;
    this.#store.saveIncoming(head);
    return 0;
  }

  /** Takes the next part. Returns how many bytes are there. Throws ScriptRefusal. */
  add(offset: number, data: Uint8Array): number {
    const kept = this.#store.incoming();
    const there = kept.length - HEAD_BYTES;
    const wrongOrder = (message: string) =>
      new ScriptRefusal('script_chunk_order_wrong', message, there < 0 ? {} : { offset: there });
    if (there < 0) throw wrongOrder('Nothing was begun.');
    if (offset + data.length <= there) return there;
    if (offset !== there) throw wrongOrder(`The next part begins at ${there}.`);
    const { moduleBytes } = checkHead(kept.subarray(0, HEAD_BYTES), this.#ownerKey);
    if (data.length > CHUNK_BYTES_MAX || there + data.length > moduleBytes) {
      throw new ScriptRefusal(
        'script_size_wrong',
        `A part is at most ${CHUNK_BYTES_MAX} bytes, the module ${moduleBytes}.`,
      );
    }
    this.#store.saveIncoming(Buffer.concat([kept, data]));
    return there + data.length;
  }

  /** The whole upload, checked. One that isn't what it should be is dropped; one that isn't whole stays. Throws ScriptRefusal. */
  whole(): CheckedScript & { readonly bytes: Uint8Array } {
    const bytes = this.#store.incoming();
    if (bytes.length < HEAD_BYTES) throw new ScriptRefusal('script_chunk_order_wrong', 'Nothing was begun.');
    try {
      return { ...checkPackage(bytes, this.#ownerKey), bytes };
    } catch (error) {
      if (!(error instanceof ScriptRefusal)) throw error;
      const { moduleBytes } = checkHead(bytes.subarray(0, HEAD_BYTES), this.#ownerKey);
      if (bytes.length - HEAD_BYTES >= moduleBytes) this.#store.saveIncoming(new Uint8Array());
      throw error;
    }
  }
}
