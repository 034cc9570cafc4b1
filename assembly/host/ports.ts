/** A key outside the module. */
export interface NativeKey {
  /** The 32-byte HMAC-SHA256 tag. */
  sign(message: Uint8Array): Uint8Array;
  /** Whether a tag of 32 bytes is the message's, in constant time. */
  verify(message: Uint8Array, tag: Uint8Array): boolean;
}

/** The platform's own SHA-256, for messages so long that it is faster than the module. */
export interface NativeCrypto {
  /** Messages of this many bytes and more are hashed and signed here; below, the call costs more than it saves. */
  readonly fromBytes: number;
  importKey(secret: Uint8Array): NativeKey;
  sha256(data: Uint8Array): Uint8Array;
}
