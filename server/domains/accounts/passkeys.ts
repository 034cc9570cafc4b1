import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { type AccountId, asId, type PasskeyId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { PASSKEYS_PER_ACCOUNT_MAX } from './limits.ts';
import type { PasskeyAnswer, PasskeyCeremonies, PasskeyStore, RelyingParty } from './passkey-ports.ts';
import { createPasskeyQuestions, type PasskeyQuestion, passkeyRefused } from './passkey-questions.ts';
import type { AccountStore, LiveConnections } from './ports.ts';
import { credentialGone, type TokenSources } from './tokens.ts';
import type { Passkey } from './types.ts';
import { lastSignIn, type WaysInDependencies, waysIn } from './ways-in.ts';

/** What a browser answers to a question. */
export interface AnsweredQuestion {
  readonly challengeId: string;
  readonly answer: PasskeyAnswer;
}

/**
 * Passkeys of an account: each lets it in by itself, and is a second factor where the account wants one. `origin` is where the page is
 * that asks. All of them refuse with `passkeys_unavailable` where the server has no name that passkeys could be for.
 */
export interface Passkeys {
  /** What a browser makes a passkey from for the account that asks. Refuses with `unauthenticated` where its token was revoked meanwhile. */
  beginPasskey(actor: Actor, origin: string): Promise<PasskeyQuestion>;
  /**
   * Keeps the passkey that a browser made; the account's address is told. Refuses with `passkey_refused` what isn't the answer to a
   * question of the same token, with `limit_reached` at 20 passkeys, and as `beginPasskey`.
   */
  addPasskey(
    actor: Actor,
    asked: AnsweredQuestion & { readonly name: string },
    origin: string,
  ): Promise<Passkey>;
  listPasskeys(
    actor: Actor,
    after: ListPosition<PasskeyId> | null,
    limit: number,
  ): Promise<Page<Passkey, ListPosition<PasskeyId>>>;
  /** Refuses with `passkey_not_found`. */
  renamePasskey(actor: Actor, passkeyId: PasskeyId, name: string): Promise<Passkey>;
  /**
   * From now on the passkey opens nothing; the account's address is told. Refuses with `passkey_not_found`, with `passkey_needed` the last
   * one of an account that asks for one at each sign-in, and with `last_sign_in` where nothing else lets the account in.
   */
  removePasskey(actor: Actor, passkeyId: PasskeyId): Promise<void>;
  /** Whether each sign-in to the account that asks needs a passkey. */
  isSecondFactorRequired(actor: Actor): Promise<boolean>;
  /**
   * From now on a code or a provider alone signs nobody in to the account that asks, or does again. Refuses with `passkey_needed` where
   * it has none.
   */
  requireSecondFactor(actor: Actor, isRequired: boolean): Promise<void>;
  /** Removes challenges that have ended. */
  removeExpiredChallenges(): Promise<void>;
}

/** What it needs. */
export interface PasskeyDependencies extends TokenSources, WaysInDependencies {
  readonly passkeys: PasskeyStore;
  readonly ceremonies: PasskeyCeremonies;
  /** The server as passkeys know it where its page is at this origin; null: it has no name there. */
  readonly partyOf: (origin: string) => RelyingParty | null;
  readonly live: Pick<LiveConnections, 'accountChanged'>;
  readonly store: Pick<AccountStore, 'findSelf'>;
}

/** Builds this part of the service. */
export function createPasskeys(dependencies: PasskeyDependencies): Passkeys {
  const { passkeys, ceremonies, live, store, mail, clock, random } = dependencies;
  const questions = createPasskeyQuestions(dependencies);

  const tell = (address: string | null, subject: string, text: string) => {
    if (address !== null) mail?.send({ to: address, subject, text });
  };

  return {
    ...createSecondFactor(dependencies, tell),

    async beginPasskey(actor, origin) {
      const account = requirePermission(actor, 'account.manage');
      const self = await store.findSelf(account);
      if (self === null) throw notFound('user');
      const knownIds = await passkeys.listCredentialIds(account.accountId);
      return questions.ask('create', account, origin, (party, challenge, timeoutMs) =>
        ceremonies.creationOptions(party, {
          challenge,
          userHandle: userHandleOf(account.accountId),
          userName: self.address ?? self.name,
          displayName: self.name,
          knownIds,
          timeoutMs,
        }),
      );
    },

    async addPasskey(actor, { challengeId, answer, name }, origin) {
      const account = requirePermission(actor, 'account.manage');
      const { party, challenge } = await questions.take('create', account, challengeId, origin);
      const key = await ceremonies.verifyCreation(party, challenge, answer);
      if (key === null) throw passkeyRefused();
      const id = asId<PasskeyId>(random.uuid());
      const passkey = { ...key, id, name, createdAtMs: clock.nowMs(), lastUsedAtMs: null };
      const outcome = await passkeys.addPasskey(account, passkey, PASSKEYS_PER_ACCOUNT_MAX);
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'limit_reached') throw tooManyPasskeys();
      if (outcome === 'taken') throw passkeyRefused();
      // From now on it proves itself with that.
      live.accountChanged(account.accountId);
      tell(outcome.address, ADDED_SUBJECT, addedText(name));
      return passkey;
    },

    async listPasskeys(actor, after, limit) {
      const account = requirePermission(actor, 'account.read');
      return pageOf(await passkeys.listPasskeys(account, after, limit + 1), limit, byCreation);
    },

    async renamePasskey(actor, passkeyId, name) {
      const account = requirePermission(actor, 'account.manage');
      const renamed = await passkeys.renamePasskey(account, passkeyId, name);
      if (renamed === null) throw notFound('passkey');
      return renamed;
    },

    removePasskey: async (actor, passkeyId) => {
      const account = requirePermission(actor, 'account.manage');
      const { address } = await remove(account, passkeyId, dependencies);
      live.accountChanged(account.accountId);
      tell(address, REMOVED_SUBJECT, REMOVED_TEXT);
    },

    removeExpiredChallenges: () => passkeys.removeExpired(clock.nowMs()),
  };
}

function createSecondFactor(
  { passkeys, clock }: PasskeyDependencies,
  tell: (address: string | null, subject: string, text: string) => void,
): Pick<Passkeys, 'isSecondFactorRequired' | 'requireSecondFactor'> {
  return {
    isSecondFactorRequired: (actor) =>
      passkeys.isSecondFactorRequired(requirePermission(actor, 'account.read')),

    async requireSecondFactor(actor, isRequired) {
      const account = requirePermission(actor, 'account.manage');
      const outcome = await passkeys.requireSecondFactor(account, isRequired, clock.nowMs());
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'needed')
        throw passkeyNeeded('Make a passkey first: without one nobody could sign in.');
      if (!isRequired) tell(outcome.address, OFF_SUBJECT, OFF_TEXT);
    },
  };
}

async function remove(account: AccountActor, passkeyId: PasskeyId, dependencies: PasskeyDependencies) {
  const outcome = await dependencies.passkeys.removePasskey(account, passkeyId, waysIn(dependencies));
  if (outcome === 'credential_gone') throw credentialGone();
  if (outcome === 'not_found') throw notFound('passkey');
  if (outcome === 'last_way') throw lastSignIn();
  if (outcome === 'needed') {
    throw passkeyNeeded('It is your last passkey, and your sign-ins need one: turn that off first.');
  }
  return outcome;
}

/** What an authenticator calls the account: the 16 bytes of its id, which say nothing about a person. */
export function userHandleOf(accountId: AccountId): Uint8Array {
  return Buffer.from(accountId.replaceAll('-', ''), 'hex');
}

function tooManyPasskeys(): AppError {
  return new AppError('conflict', 'limit_reached', 'You have as many passkeys as you may have.', {
    details: { passkeysMax: PASSKEYS_PER_ACCOUNT_MAX },
  });
}

function passkeyNeeded(message: string): AppError {
  return new AppError('conflict', 'passkey_needed', message);
}

const NOT_YOU = 'If it was not you, sign in, revoke the tokens and passkeys that you do not know.\n';

const ADDED_SUBJECT = 'A new passkey of your Yggdrasil account';

const addedText = (name: string) =>
  `A passkey was added to your account: ${name}. It signs in to it.\n\n${NOT_YOU}`;

const REMOVED_SUBJECT = 'A passkey of your Yggdrasil account was removed';

const REMOVED_TEXT = `A passkey was removed from your account. It signs nobody in any more.\n\n${NOT_YOU}`;

const OFF_SUBJECT = 'Sign-ins to your Yggdrasil account';

const OFF_TEXT = `From now on nobody needs a passkey to sign in to your account.\n\n${NOT_YOU}`;
