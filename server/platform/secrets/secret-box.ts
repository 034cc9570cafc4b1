import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { InvariantError } from '../../kernel/errors.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';

export const MASTER_KEY_BYTES = 32;
const VERSION = 1;
/** NIST SP 800-38D, 8.2.2: random 96-bit nonces, fit for 2^32 secrets under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES;

/** AES-256-GCM with the context as associated data. Sealed: version (1 byte), nonce, ciphertext, tag. */
export function createSecretBox(masterKey: Uint8Array): SecretBox {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new InvariantError('the master key must have 32 bytes');
  return {
    seal: (secret, context) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(context));
      return Buffer.concat([
        Uint8Array.of(VERSION),
        nonce,
        cipher.update(secret),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
    },
    open: (sealed, context) => {
      if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== VERSION) {
        throw new InvariantError('a stored secret is damaged');
      }
      const tagOffset = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv('aes-256-gcm', masterKey, sealed.subarray(1, HEADER_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(sealed.subarray(tagOffset));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES, tagOffset)), decipher.final()]);
      } catch {
        throw new InvariantError(
          'a stored secret is damaged, was moved, or was sealed under another master key',
        );
      }
    },
  };
}
