/** Signatures by Ed25519 (RFC 8032), with keys as their raw 32 bytes. */
export interface Ed25519 {
  /** The public key of a private one. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /** 64 bytes. */
  sign(privateKey: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** False for what is no key or no signature, too. */
  isSignedBy(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}
