import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  diffieHellman,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { type Curve, privateKeyFrom, publicKeyFrom, rawPublicKey } from '../raw-keys.ts';
import type { DeviceSigning } from './device-signature.ts';
import { AEAD_TAG_BYTES } from './limits.ts';
import type { KeyPair, NoiseCrypto } from './noise.ts';

const CIPHER = 'chacha20-poly1305';
const TAG = { authTagLength: AEAD_TAG_BYTES } as const;

/** Private keys that were read, each for as long as its bytes are in use: reading one costs as much as an agreement. */
const keysRead: Readonly<Record<Curve, WeakMap<Uint8Array, KeyObject>>> = {
  X25519: new WeakMap(),
  Ed25519: new WeakMap(),
};

function privateKeyOf(curve: Curve, raw: Uint8Array): KeyObject {
  const known = keysRead[curve].get(raw);
  if (known !== undefined) return known;
  const key = privateKeyFrom(curve, raw);
  keysRead[curve].set(raw, key);
  return key;
}

/** The primitives by Node's OpenSSL: several times faster than a library's in JavaScript. Keys must not change once they were used. */
export const nodeNoiseCrypto: NoiseCrypto = {
  generateKeyPair() {
    // Any 32 bytes are a private key (RFC 7748 section 5). Not `generateKeyPairSync`: its key shares a lock with the job that made it, and where
    // that job is collected while the key is exported, Node 20 waits for itself, for ever.
    const privateKey = randomBytes(32);
    return { privateKey, publicKey: rawPublicKey(privateKeyOf('X25519', privateKey)) };
  },
  publicKeyOf: (privateKey) => rawPublicKey(privateKeyOf('X25519', privateKey)),
  sharedSecret(privateKey, publicKey) {
    try {
      return diffieHellman({
        privateKey: privateKeyOf('X25519', privateKey),
        publicKey: publicKeyFrom('X25519', publicKey),
      });
    } catch {
      return null;
    }
  },
  encryptInto(key, nonce, associated, plaintext, target) {
    const cipher = createCipheriv(CIPHER, key, nonce, TAG);
    cipher.setAAD(associated, { plaintextLength: plaintext.length });
    target.set(cipher.update(plaintext));
    cipher.final();
    target.set(cipher.getAuthTag(), plaintext.length);
  },
  decrypt(key, nonce, associated, ciphertext) {
    const length = ciphertext.length - AEAD_TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, nonce, TAG);
    decipher.setAAD(associated, { plaintextLength: length });
    decipher.setAuthTag(ciphertext.subarray(length));
    const plaintext = decipher.update(ciphertext.subarray(0, length));
    try {
      decipher.final();
      return plaintext;
    } catch {
      return null;
    }
  },
  sha256: (data) => createHash('sha256').update(data).digest(),
  hmacSha256: (key, data) => createHmac('sha256', key).update(data).digest(),
};

/** A cipher that takes short texts alone, as the server's compute core has one. */
type ShortCipher = Pick<NoiseCrypto, 'encryptInto' | 'decrypt'> & { readonly associatedBytesMax: number };

/** Messages of more bytes are encrypted by OpenSSL, whose calls cost more than those into the core, and each byte less. */
const SHORT_BYTES_MAX = 1_536;

/** The same, but for short messages, which `cipher` encrypts and decrypts: making a cipher of OpenSSL costs more than its work on them. */
export function withShortCipher(cipher: ShortCipher): NoiseCrypto {
  const cipherFor = (associated: Uint8Array, text: Uint8Array) =>
    text.length <= SHORT_BYTES_MAX && associated.length <= cipher.associatedBytesMax
      ? cipher
      : nodeNoiseCrypto;
  return {
    ...nodeNoiseCrypto,
    encryptInto(key, nonce, associated, plaintext, target) {
      cipherFor(associated, plaintext).encryptInto(key, nonce, associated, plaintext, target);
    },
    decrypt: (key, nonce, associated, ciphertext) =>
      cipherFor(associated, ciphertext).decrypt(key, nonce, associated, ciphertext),
  };
}

/** The X25519 key pair with this private key, of 32 bytes. */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: nodeNoiseCrypto.publicKeyOf(privateKey) };
}

/** Signatures of devices by Node's OpenSSL. Keys must not change once they were used. */
export const nodeSigning: DeviceSigning = {
  publicKeyOf: (privateKey) => rawPublicKey(privateKeyOf('Ed25519', privateKey)),
  sign: (privateKey, bytes) => sign(null, bytes, privateKeyOf('Ed25519', privateKey)),
};
