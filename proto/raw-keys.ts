import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** The curves whose keys are 32 bytes (RFC 7748, RFC 8032). */
export type Curve = 'X25519' | 'Ed25519';

const text = (raw: Uint8Array): string =>
  Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64url');

/**
 * The public key with these bytes, as Node takes it. Throws what is no key. Keys go in and out as JWK (RFC 8037): OpenSSL reads and writes
 * DER ten times slower, which is more than an agreement or a signature costs.
 */
export function publicKeyFrom(curve: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x: text(raw) }, format: 'jwk' });
}

/** The private key with these bytes; Ed25519's seed. Throws what is no key. */
export function privateKeyFrom(curve: Curve, raw: Uint8Array): KeyObject {
  // RFC 8037 wants the public key beside it; Node makes that from the private one, whatever is said here.
  return createPrivateKey({ key: { kty: 'OKP', crv: curve, d: text(raw), x: '' }, format: 'jwk' });
}

/** The bytes of a public key, or of the public key that belongs to a private one. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}
