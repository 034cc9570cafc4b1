import { createHmac } from 'node:crypto';
import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { DataKeyStore } from './data-keys.postgres.ts';
import { createSecretBox, MASTER_KEY_BYTES } from './secret-box.ts';
import type { SecretFolder, Secrets } from './secrets-file.ts';
import { KEY_ID_BYTES, keyId, settleSecrets, unwrap, wrap } from './wrapped-keys.ts';

/** The first byte of what was sealed under the master key itself, as servers before 0.5.0 did it. */
export const SEALED_BY_MASTER_KEY = 1;
/** The first byte of what is sealed under a data key, whose id is behind it. */
const SEALED_BY_DATA_KEY = 2;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/**
 * Seals under a data key, which the database keeps sealed under the master key. So a new master key changes no secret, and a
 * server that runs needn't know it. Also opens what was sealed under the master key itself.
 */
export interface Keyring extends SecretBox {
  /**
   * Reads the data keys, and settles a rotation that was cut short; false: there are none yet. Refuses with StartError secrets
   * that don't open them.
   */
  load(): Promise<boolean>;
  /** Makes the first data key, where there is none. */
  makeFirst(random: Random): Promise<void>;
  /** 32 bytes that follow from the data key and the name, and are the same after a new master key. */
  derive(name: string): Uint8Array;
}

/** Builds it. Nothing is sealed or opened before `load`. */
export function createKeyring(
  folder: SecretFolder,
  store: Pick<DataKeyStore, 'alone' | 'addFirst'>,
): Keyring {
  let loaded: {
    readonly secrets: Secrets;
    readonly keys: readonly Uint8Array[];
    readonly boxes: ReadonlyMap<string, SecretBox>;
  } | null = null;

  const load = () =>
    store.alone(async (wrapped) => {
      const secrets = await settleSecrets(wrapped, folder);
      const keys = wrapped.map((key) => unwrap(key, secrets));
      const boxes = new Map(wrapped.map(({ id }, index) => [id, createSecretBox(keys[index] as Uint8Array)]));
      loaded = { secrets, keys, boxes };
      return boxes.size > 0;
    });

  const requireLoaded = () => {
    if (loaded === null) throw new InvariantError('the keys of the database are not loaded');
    return loaded;
  };

  return {
    load,

    async makeFirst(random) {
      const key = random.bytes(MASTER_KEY_BYTES);
      await store.addFirst(wrap(keyId(key), key, requireLoaded().secrets));
      await load();
    },

    derive(name) {
      const [key] = requireLoaded().keys;
      if (key === undefined) throw new InvariantError('there is no data key');
      return createHmac('sha256', key).update(name).digest();
    },

    seal(secret, context) {
      const [first] = requireLoaded().boxes;
      if (first === undefined) throw new InvariantError('there is no data key');
      const [id, box] = first;
      const header = Buffer.concat([Uint8Array.of(SEALED_BY_DATA_KEY), Buffer.from(id, 'hex')]);
      return Buffer.concat([header, box.seal(secret, context)]);
    },

    open(sealed, context) {
      const { secrets, boxes } = requireLoaded();
      if (sealed[0] === SEALED_BY_MASTER_KEY) return createSecretBox(secrets.masterKey).open(sealed, context);
      const box = boxes.get(Buffer.from(sealed.subarray(1, HEADER_BYTES)).toString('hex'));
      if (sealed[0] !== SEALED_BY_DATA_KEY || box === undefined) {
        throw new InvariantError('a stored secret is damaged, or was sealed under a key that is not there');
      }
      return box.open(sealed.subarray(HEADER_BYTES), context);
    },
  };
}
