import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { tooMany } from './codes.ts';
import { TOKENS_PER_ACCOUNT_MAX } from './limits.ts';
import type { KnownPasskey, PasskeyAnswer, PasskeyUse } from './passkey-ports.ts';
import { createPasskeyQuestions, type PasskeyQuestion, passkeyRefused } from './passkey-questions.ts';
import { type AnsweredQuestion, type PasskeyDependencies, userHandleOf } from './passkeys.ts';
import type { ClientLimiter, LiveConnections } from './ports.ts';
import type { SignInNotices, SignInOrigin } from './sign-in-notices.ts';
import { asProven, makeSession } from './tokens.ts';
import type { Account, NewToken } from './types.ts';

/**
 * Sign-in with a passkey alone, and completing one that began with a code or at a provider. Nobody says who they are before their
 * passkey does, so no answer depends on whether somebody has an account. `page` is the origin of the page that asks.
 */
export interface PasskeySignIn {
  /**
   * What a browser asks for any passkey of this server with. Refuses with `passkeys_unavailable`, and with `rate_limited` what is too
   * much for the client.
   */
  beginPasskeySignIn(page: string, client: string): Promise<PasskeyQuestion>;
  /** Signs in to the account of the passkey. Refuses with `passkey_refused`, and as above, but for the limit. */
  enterByPasskey(
    asked: AnsweredQuestion,
    page: string,
    origin: SignInOrigin,
  ): Promise<NewToken & { readonly account: Account }>;
  /** What a browser asks for a passkey of the account that asks with. Refuses with `passkey_needed` where it has none. */
  beginProof(actor: Actor, page: string): Promise<PasskeyQuestion>;
  /**
   * Completes a sign-in that waits for a passkey: its token ends, and there is another. Refuses with `passkey_refused`, and with `conflict`
   * a sign-in that waits for nothing.
   */
  completeSignIn(
    actor: Actor,
    asked: AnsweredQuestion,
    page: string,
    origin: SignInOrigin,
  ): Promise<NewToken & { readonly account: Account }>;
}

/** What it needs. */
export interface PasskeySignInDependencies extends PasskeyDependencies {
  /** Counts the sign-ins that each client begins. */
  readonly passkeySignIns: ClientLimiter;
  readonly live: Pick<LiveConnections, 'accountChanged' | 'endCredential'>;
  readonly notices: SignInNotices;
  readonly logger: Logger;
}

/** Builds this part of the service. */
export function createPasskeySignIn(dependencies: PasskeySignInDependencies): PasskeySignIn {
  const { passkeys, ceremonies, passkeySignIns } = dependencies;
  const questions = createPasskeyQuestions(dependencies);

  return {
    async beginPasskeySignIn(page, client) {
      const waitSeconds = passkeySignIns.countAndCheck(client);
      if (waitSeconds !== null) throw tooMany(waitSeconds);
      return questions.ask('sign_in', null, page, (party, challenge, timeoutMs) =>
        ceremonies.requestOptions(party, { challenge, allowedIds: null, timeoutMs }),
      );
    },

    async enterByPasskey({ challengeId, answer }, page, origin) {
      const question = await questions.take('sign_in', null, challengeId, page);
      const { passkey, use } = await questions.check(question, answer);
      // Nobody has said who it is but the authenticator (Web Authentication Level 3, section 7.2, step 6).
      if (!isHandleOf(passkey, answer)) throw passkeyRefused();
      return enter({ passkey, use, partial: null }, origin, dependencies);
    },

    async beginProof(actor, page) {
      const account = requirePerson(actor);
      const allowedIds = await passkeys.listCredentialIds(account.accountId);
      if (allowedIds.length === 0) throw new AppError('conflict', 'passkey_needed', 'You have no passkey.');
      return questions.ask('prove', account, page, (party, challenge, timeoutMs) =>
        ceremonies.requestOptions(party, { challenge, allowedIds, timeoutMs }),
      );
    },

    async completeSignIn(actor, { challengeId, answer }, page, origin) {
      const account = requirePerson(actor);
      if (account.isPartial !== true) {
        throw new AppError('conflict', 'conflict', 'Your sign-in waits for nothing.');
      }
      const question = await questions.take('prove', account, challengeId, page);
      const { passkey, use } = await questions.check(question, answer);
      if (passkey.accountId !== account.accountId) throw passkeyRefused();
      return enter({ passkey, use, partial: account.credentialId }, origin, dependencies);
    },
  };
}

/** Who asks, as a person: an API key proves nobody. */
export function requirePerson(actor: Actor): AccountActor {
  const account = requirePermission(actor, 'account.prove');
  if (account.scope === undefined) return account;
  throw new AppError(
    'forbidden',
    'forbidden',
    'This needs a user who is signed in: an API key is not enough.',
  );
}

function isHandleOf({ accountId }: KnownPasskey, { response: { userHandle } }: PasskeyAnswer): boolean {
  return Buffer.from(String(userHandle ?? ''), 'base64url').equals(userHandleOf(accountId));
}

async function enter(
  shown: {
    readonly passkey: KnownPasskey;
    readonly use: PasskeyUse;
    readonly partial: AccountActor['credentialId'] | null;
  },
  origin: SignInOrigin,
  dependencies: PasskeySignInDependencies,
) {
  const { passkeys, live, notices, logger, clock } = dependencies;
  const { passkey, use, partial } = shown;
  const { token, secret } = asProven(makeSession(dependencies));
  const noted = { ...use, nowMs: clock.nowMs(), partial };
  const entered = await passkeys.enter(passkey, noted, token, TOKENS_PER_ACCOUNT_MAX);
  if (entered === null) {
    logger.warn(
      { operation: 'users.sessions.passkey', passkeyId: passkey.id },
      'a passkey was refused whose authenticator has counted as far before, or that is gone',
    );
    throw passkeyRefused();
  }
  const { account, ended } = entered;
  for (const credentialId of ended) live.endCredential(account.id, credentialId);
  notices.note(account, false, origin);
  return { account, token, secret };
}
