import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type CredentialId, type DeviceId } from '../../kernel/ids.ts';
import { addressGroup } from '../../kernel/network-address.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { requireOwnDevice } from './device-networks.ts';
import {
  CLAIM_ALPHABET,
  LOGIN_ENDING_LETTERS,
  LOGIN_NAME_ATTEMPTS,
  LOGIN_PASSWORD_BYTES,
  LOGIN_PASSWORD_LENGTH_MAX,
  PROVED_LOGINS_MAX,
} from './limits.ts';
import type { DeviceLogin, FoundLogin, LoginHasher, LoginStore, LoginTries } from './login-types.ts';
import type { DeviceStore, Suspensions, TokenHash } from './ports.ts';
import { signingKeyContext } from './sealed-contexts.ts';
import type { TokenEnds } from './token-ends.ts';
import type { DeviceIdentity } from './types.ts';

/** A login that was just set, with the only copy of a password that the server made. */
export interface NewLogin extends DeviceLogin {
  /** Null: the owner chose it. */
  readonly password: string | null;
}

/** Names and passwords for devices that take no long ones, over MQTT. Beside its token, a device may have one of each. */
export interface DeviceLogins {
  /**
   * Gives a device a password, the owner's or (null) one that is made, and a name that begins with the owner's word. The name stays where its word
   * does; the password before is worth nothing from then on, and what was opened with it ends. Refuses with `forbidden`, `device_not_found`,
   * `device_of_other_tenant`, and with `unavailable` when too many passwords wait to be hashed.
   */
  setLogin(
    actor: Actor,
    deviceId: DeviceId,
    wanted: { readonly word: string; readonly password: string | null },
  ): Promise<NewLogin>;
  /** A device's login; null: it has none. Refuses with `device_not_found`. */
  findLogin(actor: Actor, deviceId: DeviceId): Promise<DeviceLogin | null>;
  /** Removes it, if there is one, and ends what was opened with it. Refuses as `setLogin` does. */
  removeLogin(actor: Actor, deviceId: DeviceId): Promise<void>;
  /**
   * The device that signs in by this name and password from this address; null: nobody does, or its tenant is suspended. Refuses with
   * `rate_limited` too many wrong passwords for a name, from an address or from all, and from an address for all names; with `unavailable` when too many wait to be checked. A
   * password that was right is remembered in memory, so that who guesses keeps no device out that was here before.
   */
  authenticateLogin(name: string, password: string, remoteAddress: string): Promise<DeviceIdentity | null>;
}

/** What they need. */
export interface LoginDependencies {
  readonly store: Pick<DeviceStore, 'findDevice'>;
  readonly logins: LoginStore;
  readonly hasher: LoginHasher;
  readonly loginTries: {
    /** Count passwords that aren't known to be right, for a name: those from one address, and all. */
    readonly fromAddress: LoginTries;
    readonly ofName: LoginTries;
    /** Counts those that were wrong, from one address for all names. */
    readonly failures: LoginTries;
  };
  readonly suspended: Suspensions;
  readonly tokenEnds: TokenEnds;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

const LOGIN_NAME = new RegExp(
  `^[a-z0-9][a-z0-9-]{0,14}-[${CLAIM_ALPHABET.toLowerCase()}]{${LOGIN_ENDING_LETTERS}}$`,
);

/** Builds this part of the service. */
export function createDeviceLogins(dependencies: LoginDependencies): DeviceLogins {
  const { store, logins, hasher, suspended, tokenEnds, secretBox, clock, random } = dependencies;
  const proved = new ProvedPasswords(dependencies.hash);

  return {
    async setLogin(actor, deviceId, { word, password }) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwnDevice(store, account, deviceId);
      const made = password ?? Buffer.from(random.bytes(LOGIN_PASSWORD_BYTES)).toString('base64url');
      const passwordHash = await hasher.hash({ id: account.accountId, isKnown: true }, made);
      const before = await logins.findLogin(account, deviceId);
      const changedAtMs = clock.nowMs();
      for (let attempt = 0; attempt < LOGIN_NAME_ATTEMPTS; attempt++) {
        const isSame = before !== null && wordOf(before.name) === word && attempt === 0;
        const name = isSame ? before.name : `${word}-${makeEnding(random)}`;
        const credentialId = asId<CredentialId>(random.uuid());
        const login = { name, passwordHash, credentialId, changedAtMs };
        const replaced = await logins.replaceLogin(account, deviceId, login);
        if (replaced === 'not_found') throw notFound('device');
        if (replaced === 'name_taken') continue;
        // After the commit: who arrives later is refused, who arrived before is found here.
        if (replaced.replacedId !== null) tokenEnds.endNow(deviceId, replaced.replacedId);
        return { name, changedAtMs, password: password === null ? made : null };
      }
      throw new AppError('unavailable', 'unavailable', 'No free name was found. Try again.');
    },

    async findLogin(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      if ((await store.findDevice(account, deviceId)) === null) throw notFound('device');
      return logins.findLogin(account, deviceId);
    },

    async removeLogin(actor, deviceId) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwnDevice(store, account, deviceId);
      const removedId = await logins.removeLogin(account, deviceId);
      if (removedId !== null) tokenEnds.endNow(deviceId, removedId);
    },

    async authenticateLogin(name, password, remoteAddress) {
      if (!LOGIN_NAME.test(name) || password.length > LOGIN_PASSWORD_LENGTH_MAX) return null;
      const found = await logins.findByName(name);
      if (found === null || !proved.has(found, password)) {
        const group = addressGroup(remoteAddress);
        requireTry(dependencies.loginTries, found, name, group);
        // Devices of one household don't make each other wait; names that nobody has wait together.
        const client = { id: found === null ? group : name, isKnown: false };
        const isRight = await hasher.isRight(client, found?.passwordHash ?? null, password);
        if (!isRight || found === null) {
          dependencies.loginTries.failures.countAndCheck(group);
          return null;
        }
        proved.add(found, password);
      }
      const { actor, signingKeySealed } = found;
      if (suspended.has(actor.tenantId)) return null;
      const signingKey = secretBox.open(signingKeySealed, signingKeyContext(actor.tenantId, actor.deviceId));
      return { actor, signingKey };
    },
  };
}

/** Refuses with `rate_limited` where too many were wrong. */
function requireTry(
  { fromAddress, ofName, failures }: LoginDependencies['loginTries'],
  found: FoundLogin | null,
  name: string,
  group: string,
): void {
  // Of another password others are wrong: who mistyped, and sets another, needn't wait.
  const counted = found?.actor.credentialId ?? name;
  const waitSeconds =
    failures.secondsToWait(group) ??
    fromAddress.countAndCheck(`${counted} ${group}`) ??
    ofName.countAndCheck(counted);
  if (waitSeconds !== null) throw tooManyTries(waitSeconds);
}

/** Hashes of passwords that were right, of the last that were shown. Each is bound to its credential, so a changed one is no more found. */
class ProvedPasswords {
  readonly #hash: TokenHash;
  readonly #hashes = new Set<string>();

  constructor(hash: TokenHash) {
    this.#hash = hash;
  }

  has(login: FoundLogin, password: string): boolean {
    return this.#hashes.has(this.#hashOf(login, password));
  }

  add(login: FoundLogin, password: string): void {
    this.#hashes.add(this.#hashOf(login, password));
    const [oldest] = this.#hashes;
    if (this.#hashes.size > PROVED_LOGINS_MAX && oldest !== undefined) this.#hashes.delete(oldest);
  }

  #hashOf({ actor }: FoundLogin, password: string): string {
    return Buffer.from(this.#hash(`${actor.credentialId} ${password}`)).toString('base64');
  }
}

/** Without the end that the server made. */
const wordOf = (name: string): string => name.slice(0, -LOGIN_ENDING_LETTERS - 1);

/** Letters by chance, each as likely as the others. */
function makeEnding(random: Random): string {
  const letters = CLAIM_ALPHABET.toLowerCase();
  const fair = 256 - (256 % letters.length);
  let ending = '';
  while (ending.length < LOGIN_ENDING_LETTERS) {
    for (const byte of random.bytes(LOGIN_ENDING_LETTERS)) {
      if (byte < fair && ending.length < LOGIN_ENDING_LETTERS) ending += letters[byte % letters.length];
    }
  }
  return ending;
}

function tooManyTries(retryAfterSeconds: number): AppError {
  return new AppError('rate_limited', 'rate_limited', 'Too many wrong passwords. Try again later.', {
    details: { retryAfterSeconds },
  });
}
