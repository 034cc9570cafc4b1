import { sign, verify } from 'node:crypto';
import { privateKeyFrom, publicKeyFrom, rawPublicKey } from '../../../proto/raw-keys.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';

/** Ed25519 by Node's OpenSSL. */
export const ed25519: Ed25519 = {
  publicKeyOf: (privateKey) => rawPublicKey(privateKeyFrom('Ed25519', privateKey)),
  sign: (privateKey, bytes) => sign(null, bytes, privateKeyFrom('Ed25519', privateKey)),
  isSignedBy(publicKey, bytes, signature) {
    try {
      return verify(null, bytes, publicKeyFrom('Ed25519', publicKey), signature);
    } catch {
      return false;
    }
  },
};
