/** What a device signed by Ed25519 (RFC 8032), with all that it takes to check it. */
export interface DeviceSignature {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** What is signed: a message and its place in its session (docs/ratatoskr.md). */
  readonly bytes: Uint8Array;
}
