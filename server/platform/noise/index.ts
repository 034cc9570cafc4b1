import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { AEAD_TAG_BYTES, type KeyPair, type NoiseCrypto } from '../../../proto/ratatoskr/index.ts';

/** RFC 8410: the DER forms of keys are these bytes with the raw key behind them. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const CIPHER = 'chacha20-poly1305';
const TAG = { authTagLength: AEAD_TAG_BYTES } as const;

const privateKeyOf = (raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, raw]), format: 'der', type: 'pkcs8' });

const rawPublicKey = (key: KeyObject): Uint8Array =>
  key.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length);

/** The primitives of Noise by Node's OpenSSL: several times faster than a library's in JavaScript. */
export const nodeNoiseCrypto: NoiseCrypto = {
  generateKeyPair() {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    return {
      privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PRIVATE_PREFIX.length),
      publicKey: rawPublicKey(publicKey),
    };
  },
  sharedSecret(privateKey, publicKey) {
    try {
      return diffieHellman({
        privateKey: privateKeyOf(privateKey),
        publicKey: createPublicKey({
          key: Buffer.concat([PUBLIC_PREFIX, publicKey]),
          format: 'der',
          type: 'spki',
        }),
      });
    } catch {
      return null;
    }
  },
  encrypt(key, nonce, associated, plaintext) {
    const cipher = createCipheriv(CIPHER, key, nonce, TAG);
    cipher.setAAD(associated, { plaintextLength: plaintext.length });
    const start = cipher.update(plaintext);
    cipher.final();
    return Buffer.concat([start, cipher.getAuthTag()]);
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

/** The X25519 key pair with this private key, of 32 bytes. */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: rawPublicKey(createPublicKey(privateKeyOf(privateKey))) };
}
