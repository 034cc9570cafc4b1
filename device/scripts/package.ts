import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { publicKeyFrom, rawPublicKey } from '../../proto/raw-keys.ts';
import {
  decodeManifest,
  encodeManifest,
  HEAD_BYTES,
  MANIFEST_BYTES,
  type ScriptManifest,
} from './manifest.ts';

/** A signed script, as it is deployed: manifest, signature, module, one after the other. */
export interface ScriptPackage {
  readonly manifest: ScriptManifest;
  /** The bytes that are signed. */
  readonly manifestBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly module: Uint8Array;
}

/** Signs a module. The manifest's size and hash are the module's. */
export function signPackage(
  manifest: Omit<ScriptManifest, 'moduleBytes' | 'sha256'>,
  module: Uint8Array,
  privateKey: KeyObject,
): Uint8Array {
  const whole = { ...manifest, moduleBytes: module.length, sha256: sha256(module) };
  const manifestBytes = encodeManifest(whole);
  return Buffer.concat([manifestBytes, sign(null, manifestBytes, privateKey), module]);
}

/** Reads a package; null for bytes that are none. Its signature and its hash aren't checked. */
export function readPackage(bytes: Uint8Array): ScriptPackage | null {
  const manifestBytes = bytes.slice(0, MANIFEST_BYTES);
  const decoded = decodeManifest(manifestBytes);
  if (!decoded.ok || bytes.length !== HEAD_BYTES + decoded.manifest.moduleBytes) return null;
  return {
    manifest: decoded.manifest,
    manifestBytes,
    signature: bytes.slice(MANIFEST_BYTES, HEAD_BYTES),
    module: bytes.slice(HEAD_BYTES),
  };
}

/** Whether the owner of a public key (32 bytes) signed a manifest (Ed25519, RFC 8032). */
export function isSignedBy(publicKey: Uint8Array, manifestBytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, manifestBytes, publicKeyFrom('Ed25519', publicKey), signature);
}

/** SHA-256 of a module. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** A new key of an owner, as PEM (PKCS #8). */
export function makeOwnerKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Reads an owner's private key. Throws an Error for anything but an Ed25519 key. */
export function readOwnerKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the key is no Ed25519 key');
  return key;
}

/** The public half, 32 bytes: what a device is given. */
export function publicKeyOf(privateKey: KeyObject): Uint8Array {
  return rawPublicKey(privateKey);
}
