import type { Clock } from '../../kernel/clock.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { ACCESS_KEY_AHEAD_MS, ACCESS_KEY_BYTES, ACCESS_KEY_KEPT_MS, ACCESS_KEY_MS } from './limits.ts';
import type { TokenHash } from './ports.ts';
import type { AccessTokenKeyStore, StoredAccessTokenKey } from './refresh-ports.ts';

/** The keys of access tokens. */
export interface AccessTokenKeys {
  /** Those whose tokens are good, with the next one: what is published. Makes the first one. */
  published(): Promise<readonly StoredAccessTokenKey[]>;
  /** The one that signs now, with its private half. */
  signing(): Promise<StoredAccessTokenKey & { readonly privateKey: Uint8Array }>;
  /** Makes the next one in time, and removes those whose tokens have ended. */
  rotate(): Promise<void>;
  /** Reads what other nodes have made and removed. */
  reread(): Promise<void>;
}

/** What a sealed private key is bound to. */
export const accessKeyContext = (id: string, publicKey: Uint8Array): string =>
  `accounts|access_token_key|${id}|${Buffer.from(publicKey).toString('hex')}`;

/** The key that signs at this time: the newest whose time has come. Undefined: there is none. */
export const signingKeyAt = <Key extends Pick<StoredAccessTokenKey, 'signsFromMs'>>(
  keys: readonly Key[],
  nowMs: number,
): Key | undefined =>
  keys
    .filter(({ signsFromMs }) => signsFromMs <= nowMs)
    .reduce<Key | undefined>(
      (newest, key) => (newest === undefined || key.signsFromMs > newest.signsFromMs ? key : newest),
      undefined,
    );

/** When the key that is to be made now begins to sign; null: none is due. It is published for an hour before. */
export function nextKeyFrom(
  keys: readonly Pick<StoredAccessTokenKey, 'signsFromMs'>[],
  nowMs: number,
): number | null {
  if (signingKeyAt(keys, nowMs) === undefined) return nowMs;
  // One that was made while the clock was ahead waits for its time, and keeps no other from being made.
  const reachable = keys.filter(({ signsFromMs }) => signsFromMs <= nowMs + ACCESS_KEY_AHEAD_MS);
  const newestFromMs = Math.max(...reachable.map(({ signsFromMs }) => signsFromMs));
  return nowMs >= newestFromMs + ACCESS_KEY_MS - ACCESS_KEY_AHEAD_MS ? nowMs + ACCESS_KEY_AHEAD_MS : null;
}

/** The ids of keys whose last tokens have ended: another one has signed for longer than any token lasts. */
export function endedKeys(
  keys: readonly Pick<StoredAccessTokenKey, 'id' | 'signsFromMs'>[],
  nowMs: number,
): string[] {
  const signing = signingKeyAt(keys, nowMs - ACCESS_KEY_KEPT_MS);
  if (signing === undefined) return [];
  return keys.filter(({ signsFromMs }) => signsFromMs < signing.signsFromMs).map(({ id }) => id);
}

/** What it needs. */
export interface AccessTokenKeyDependencies {
  readonly accessKeys: AccessTokenKeyStore;
  readonly secretBox: SecretBox;
  readonly ed25519: Pick<Ed25519, 'publicKeyOf'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Keeps the keys in memory; every node reads them again each minute, whichever of them makes them. */
export function createAccessTokenKeys(dependencies: AccessTokenKeyDependencies): AccessTokenKeys {
  const { accessKeys, secretBox, ed25519, clock, random, hash } = dependencies;
  let known: readonly StoredAccessTokenKey[] = [];

  const make = (signsFromMs: number): StoredAccessTokenKey => {
    const privateKey = random.bytes(ACCESS_KEY_BYTES);
    const publicKey = ed25519.publicKeyOf(privateKey);
    const id = Buffer.from(hash(Buffer.from(publicKey).toString('hex'))).toString('hex', 0, 8);
    const privateKeySealed = secretBox.seal(privateKey, accessKeyContext(id, publicKey));
    return { id, publicKey, privateKeySealed, createdAtMs: clock.nowMs(), signsFromMs };
  };

  const rotate = async () => {
    const nowMs = clock.nowMs();
    known = await accessKeys.change((keys) => {
      const fromMs = nextKeyFrom(keys, nowMs);
      return { added: fromMs === null ? null : make(fromMs), ended: endedKeys(keys, nowMs) };
    });
  };

  const published = async () => {
    if (signingKeyAt(known, clock.nowMs()) === undefined) await rotate();
    return known;
  };

  return {
    published,
    rotate,
    async reread() {
      known = await accessKeys.list();
    },
    async signing() {
      const keys = await published();
      const key = signingKeyAt(keys, clock.nowMs());
      if (key === undefined) throw new InvariantError('there is no key for access tokens');
      const privateKey = secretBox.open(key.privateKeySealed, accessKeyContext(key.id, key.publicKey));
      return { ...key, privateKey };
    },
  };
}
