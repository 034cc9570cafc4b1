import { createHash } from 'node:crypto';
import { headBytes } from '../../../proto/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { AuditStore, ChainReader, StoredKey } from './ports.ts';
import type { SignedHead } from './types.ts';

const KEY_BYTES = 32;
const ID_DIGITS = 16;

/** The keys that heads are signed with. */
export interface SigningKeys {
  /** Signs with the newest key. */
  sign(head: Omit<SignedHead, 'keyId' | 'publicKey' | 'signature'>): SignedHead;
  /** The public key of this id; null: it is none of ours. */
  publicKeyOf(keyId: string): Uint8Array | null;
}

/** What keys are read with. */
export interface KeyTools {
  readonly secretBox: SecretBox;
  readonly ed25519: Ed25519;
}

/** A key of the server's own. */
interface OwnKey {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** The context that a private key is sealed for: with its public one, so that neither can be put in another's place. */
export const privateKeyContext = (id: string, publicKey: Uint8Array) =>
  `audit_keys|private_key|${id}|${Buffer.from(publicKey).toString('hex')}`;

/**
 * The keys that are kept, but for those whose private key doesn't open with the server's secrets, or doesn't fit: who can
 * only write the database has put them there.
 */
export async function readSigningKeys(
  reader: Pick<ChainReader, 'listKeys'>,
  { secretBox, ed25519 }: KeyTools,
): Promise<ReadonlyMap<string, OwnKey>> {
  const keys = new Map<string, OwnKey>();
  for (const { id, publicKey, privateKeySealed } of await reader.listKeys()) {
    try {
      const privateKey = secretBox.open(privateKeySealed, privateKeyContext(id, publicKey));
      if (Buffer.compare(ed25519.publicKeyOf(privateKey), publicKey) === 0)
        keys.set(id, { publicKey, privateKey });
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
    }
  }
  return keys;
}

/** The keys of this server; makes the first one. */
export async function loadSigningKeys(
  store: Pick<AuditStore, 'listKeys' | 'saveKey'>,
  dependencies: KeyTools & { readonly random: Random; readonly clock: Clock },
): Promise<SigningKeys> {
  const { random, clock, ed25519 } = dependencies;
  let keys = await readSigningKeys(store, dependencies);
  if (keys.size === 0) {
    await store.saveKey(makeKey(random, dependencies), clock.nowMs());
    keys = await readSigningKeys(store, dependencies);
  }
  const newest = [...keys].at(-1);
  if (newest === undefined) throw new InvariantError('the key of the audit is not there');
  const [keyId, { publicKey, privateKey }] = newest;
  return {
    sign: (head) => ({
      ...head,
      keyId,
      publicKey,
      signature: ed25519.sign(privateKey, headBytes(head)),
    }),
    publicKeyOf: (id) => keys.get(id)?.publicKey ?? null,
  };
}

function makeKey(random: Random, { secretBox, ed25519 }: KeyTools): StoredKey {
  const privateKey = random.bytes(KEY_BYTES);
  const publicKey = ed25519.publicKeyOf(privateKey);
  const id = createHash('sha256').update(publicKey).digest('hex').slice(0, ID_DIGITS);
  return { id, publicKey, privateKeySealed: secretBox.seal(privateKey, privateKeyContext(id, publicKey)) };
}
