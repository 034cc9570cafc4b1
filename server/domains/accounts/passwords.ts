import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { tooMany } from './codes.ts';
import { TOKENS_PER_ACCOUNT_MAX } from './limits.ts';
import type { PasswordHasher, PasswordStore } from './password-ports.ts';
import type { ClientLimiter, LiveConnections } from './ports.ts';
import type { CodeRequest } from './sign-in.ts';
import { originText, type SignInNotices, type SignInOrigin } from './sign-in-notices.ts';
import { credentialGone, makeSession, type TokenSources } from './tokens.ts';
import type { Account, NewToken } from './types.ts';
import { lastSignIn, type WaysInDependencies, waysIn } from './ways-in.ts';

/**
 * Passwords, for servers whose operator wants them. What is answered, and how long it takes, is the same for an address without an account, for an
 * account without a password and for a wrong one. A sign-in with one is no fresh proof: whoever has read it somewhere does not become the account.
 */
export interface Passwords {
  /** When the account that asks set its password; null: it has none. */
  findPassword(actor: Actor): Promise<{ readonly changedAtMs: number | null }>;
  /**
   * Gives the account that asks this password in place of the one before; its address is told. Refuses with `passwords_off`, with `conflict` where the
   * account has no address to sign in with, with `unauthenticated` where the token in use was revoked meanwhile, and with `rate_limited` what
   * is too much for the account: each is hashed in the line of those who are known.
   */
  setPassword(actor: Actor, password: string): Promise<void>;
  /** Removes it. Refuses with `last_sign_in` where nothing else lets the account in, and with `unauthenticated` as above. */
  removePassword(actor: Actor): Promise<void>;
  /**
   * Signs in. Refuses with `passwords_off`, with `password_wrong`, with `rate_limited` what is too much for the client or the address, and with
   * `unavailable` when too many passwords wait to be checked. A device that signed in to the account before is counted by itself: strangers
   * who guess don't lock its owner out.
   */
  enterWithPassword(
    request: CodeRequest,
    password: string,
    origin: SignInOrigin,
  ): Promise<NewToken & { readonly account: Account }>;
}

/** What they need. */
export interface PasswordDependencies extends TokenSources, WaysInDependencies {
  readonly passwords: PasswordStore;
  readonly hasher: PasswordHasher;
  readonly live: Pick<LiveConnections, 'accountChanged' | 'endCredential'>;
  /** Count tries by client, by address, and of an address from one device that is known to it; the last, by account, also what it sets. */
  readonly passwordTries: {
    readonly ofClient: ClientLimiter;
    readonly ofAddress: ClientLimiter;
    readonly ofKnownDevice: ClientLimiter;
  };
  readonly notices: SignInNotices;
}

/** Builds this part of the service. */
export function createPasswords(dependencies: PasswordDependencies): Passwords {
  const { passwords, hasher, live, passwordTries, passwordsOn, mail, clock } = dependencies;
  return {
    async findPassword(actor) {
      const { accountId } = requirePermission(actor, 'account.read');
      return { changedAtMs: await passwords.findChangedAt(accountId) };
    },

    async setPassword(actor, password) {
      const account = requirePermission(actor, 'account.manage');
      if (!passwordsOn) throw passwordsOff();
      const waitSeconds = passwordTries.ofKnownDevice.countAndCheck(account.accountId);
      if (waitSeconds !== null) throw tooMany(waitSeconds);
      const hash = await hasher.hash({ id: account.accountId, isKnown: true }, prepared(password));
      const set = await passwords.set(account, hash, clock.nowMs());
      if (set === 'credential_gone') throw credentialGone();
      if (set === 'no_address') throw noAddress();
      live.accountChanged(account.accountId);
      mail?.send({ to: set.address, subject: SUBJECT, text: TEXT });
    },

    async removePassword(actor) {
      const account = requirePermission(actor, 'account.manage');
      const outcome = await passwords.remove(account, waysIn(dependencies));
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'last_way') throw lastSignIn();
    },

    async enterWithPassword({ address, client }, password, origin) {
      if (!passwordsOn) throw passwordsOff();
      const found = await passwords.find(address, originText(origin));
      const isKnown = found?.isKnownDevice === true;
      const device = `${address} ${client}`;
      const waitSeconds = isKnown
        ? passwordTries.ofKnownDevice.countAndCheck(device)
        : (passwordTries.ofClient.countAndCheck(client) ?? passwordTries.ofAddress.countAndCheck(address));
      if (waitSeconds !== null) throw tooMany(waitSeconds);
      const waits = { id: isKnown ? device : client, isKnown };
      const isRight = await hasher.isRight(waits, found?.hash ?? null, prepared(password));
      if (!isRight || found === null) throw passwordWrong();
      const made = makeSession(dependencies);
      const entered = await passwords.enter(found, made.token, TOKENS_PER_ACCOUNT_MAX);
      if (entered === null) throw passwordWrong();
      for (const credentialId of entered.ended) live.endCredential(found.account.id, credentialId);
      dependencies.notices.note(found.account, false, origin);
      return { account: found.account, token: entered.token, secret: made.secret };
    },
  };
}

/** One form of what keyboards write in several (NIST SP 800-63B, section 3.1.1.2). */
const prepared = (password: string): string => password.normalize('NFKC');

const SUBJECT = 'Your Yggdrasil password';

const TEXT =
  'A password was set for your account. It signs in together with this address.\n\n' +
  'If it was not you, somebody has a token of yours: sign in with a code, set another password, and revoke the tokens that you do not know.\n';

function passwordWrong(): AppError {
  return new AppError('forbidden', 'password_wrong', 'The address or the password is wrong.');
}

function passwordsOff(): AppError {
  return new AppError(
    'forbidden',
    'passwords_off',
    'This server takes no passwords: sign in with a code, a passkey or a token.',
  );
}

function noAddress(): AppError {
  return new AppError(
    'conflict',
    'conflict',
    'Your account has no mail address to sign in with: give it one first.',
  );
}
