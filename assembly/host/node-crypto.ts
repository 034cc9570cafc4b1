import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { NativeCrypto } from './ports.ts';

/** SHA-256 by node:crypto, whose OpenSSL uses the processor's SHA instructions, for `fromBytes` and more. */
export function createNodeCrypto(fromBytes: number): NativeCrypto {
  return {
    fromBytes,
    importKey: (secret) => {
      const key = createSecretKey(secret);
      const sign = (message: Uint8Array) => createHmac('sha256', key).update(message).digest();
      return { sign, verify: (message, tag) => timingSafeEqual(sign(message), tag) };
    },
    sha256: (data) => {
      const { buffer, byteOffset, length } = createHash('sha256').update(data).digest();
      return new Uint8Array(buffer, byteOffset, length);
    },
  };
}
