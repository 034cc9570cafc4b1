import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { DeviceSigning } from './device-signature.ts';
import type { NoiseCrypto } from './noise.ts';

/** The primitives by the libraries of `@noble`, for browsers; `node.ts` has faster ones for Node. */
export const nobleCrypto: NoiseCrypto = {
  generateKeyPair() {
    const privateKey = x25519.utils.randomSecretKey();
    return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
  },
  publicKeyOf: (privateKey) => x25519.getPublicKey(privateKey),
  sharedSecret(privateKey, publicKey) {
    try {
      return x25519.getSharedSecret(privateKey, publicKey);
    } catch {
      return null;
    }
  },
  encryptInto(key, nonce, associated, plaintext, target) {
    chacha20poly1305(key, nonce, associated).encrypt(plaintext, target);
  },
  decrypt(key, nonce, associated, ciphertext) {
    try {
      return chacha20poly1305(key, nonce, associated).decrypt(ciphertext);
    } catch {
      return null;
    }
  },
  sha256: (data) => sha256(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
};

/** Signatures of devices by `@noble/curves`. */
export const nobleSigning: DeviceSigning = {
  publicKeyOf: (privateKey) => ed25519.getPublicKey(privateKey),
  sign: (privateKey, bytes) => ed25519.sign(bytes, privateKey),
};
