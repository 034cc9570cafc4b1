import { createHash } from 'node:crypto';
import { StartError } from '../../kernel/start-error.ts';
import type { WrappedKey } from './data-keys.postgres.ts';
import { createSecretBox } from './secret-box.ts';
import type { SecretFolder, Secrets } from './secrets-file.ts';

/** Bytes of what names a key. */
export const KEY_ID_BYTES = 8;

/** What names a key and tells nothing of it, in hexadecimal. */
export function keyId(key: Uint8Array): string {
  const hash = createHash('sha256').update('yggdrasil key id|').update(key).digest();
  return hash.subarray(0, KEY_ID_BYTES).toString('hex');
}

/** A data key as it is kept. */
export function wrap(id: string, key: Uint8Array, { masterKey }: Secrets): WrappedKey {
  const sealed = createSecretBox(masterKey).seal(key, contextOf(id));
  return { id, masterKeyId: keyId(masterKey), sealed };
}

/** The data key itself. Throws InvariantError where it is sealed under another master key. */
export function unwrap({ id, sealed }: WrappedKey, { masterKey }: Secrets): Uint8Array {
  return createSecretBox(masterKey).open(sealed, contextOf(id));
}

/**
 * The secrets that the database is under, which are the current ones from here on: finishes, or takes back, a rotation that was cut
 * short. Called in `DataKeyStore.alone`. Refuses with StartError where neither the current nor the next secrets fit.
 */
export async function settleSecrets(keys: readonly WrappedKey[], folder: SecretFolder): Promise<Secrets> {
  const { current, next } = await folder.read();
  const fits = ({ masterKey }: Secrets) => keys.every((key) => key.masterKeyId === keyId(masterKey));
  if (fits(current)) {
    if (next !== null) folder.discardNext();
    return current;
  }
  if (next === null || !fits(next)) throw otherSecrets();
  folder.promoteNext();
  return next;
}

function otherSecrets(): StartError {
  return new StartError(
    'The database belongs to other secrets than those in the data directory: they open none of its keys. Put the secrets.json ' +
      'back that was used with it last.',
  );
}

const contextOf = (id: string) => `data_keys|key|${id}`;
