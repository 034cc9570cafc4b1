import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Ed25519 } from '../../kernel/ed25519.ts';

/** RFC 8410: the DER forms of keys are these bytes with the raw key behind them. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const privateKeyOf = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });

/** Ed25519 by Node's OpenSSL. */
export const ed25519: Ed25519 = {
  publicKeyOf: (privateKey) =>
    createPublicKey(privateKeyOf(privateKey))
      .export({ format: 'der', type: 'spki' })
      .subarray(PUBLIC_PREFIX.length),
  sign: (privateKey, bytes) => sign(null, bytes, privateKeyOf(privateKey)),
  isSignedBy(publicKey, bytes, signature) {
    try {
      const key = createPublicKey({
        key: Buffer.concat([PUBLIC_PREFIX, publicKey]),
        format: 'der',
        type: 'spki',
      });
      return verify(null, bytes, key, signature);
    } catch {
      return false;
    }
  },
};
