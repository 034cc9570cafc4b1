import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { NativeCrypto, NativeKey } from './ports.ts';

/** SHA-256 by node:crypto, whose OpenSSL uses the processor's SHA instructions, for `fromBytes` and more. */
export function createNodeCrypto(fromBytes: number): NativeCrypto {
  return {
    fromBytes,
    importKey: (secret) => new NodeKey(createSecretKey(secret)),
    sha256: (data) => {
      const { buffer, byteOffset, length } = createHash('sha256').update(data).digest();
      return new Uint8Array(buffer, byteOffset, length);
    },
  };
}

class NodeKey implements NativeKey {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  sign(message: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#key).update(message).digest();
  }

  verify(message: Uint8Array, tag: Uint8Array): boolean {
    return timingSafeEqual(this.sign(message), tag);
  }
}
