import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type CredentialId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import {
  API_KEY_PREFIX,
  SESSION_MS,
  SESSION_NAME,
  TOKENS_PER_ACCOUNT_MAX,
  UNDO_NAME,
  USER_TOKEN_BYTES,
  USER_TOKEN_PREFIX,
} from './limits.ts';
import type { AccountStore, LiveConnections, StoredToken, TokenHash } from './ports.ts';
import type { AccountToken, NewToken } from './types.ts';

/** The tokens of an account: each lets its holder in as the account, until it is revoked. */
export interface AccountTokens {
  /** The tokens of the account that asks. */
  listTokens(
    actor: Actor,
    after: ListPosition<CredentialId> | null,
    limit: number,
  ): Promise<Page<AccountToken, ListPosition<CredentialId>>>;
  /**
   * One more token for the account that asks. Refuses with `limit_reached` at 100 tokens, and with `unauthenticated` where
   * the token in use was revoked meanwhile.
   */
  createToken(actor: Actor, name: string): Promise<NewToken>;
  /** A sign-in of the account that asks; it ends no later than the token in use. Refuses as `createToken`. */
  createSession(actor: Actor): Promise<NewToken>;
  /**
   * Revokes a token of the account that asks, also the one in use: whoever uses it is cut off at once. Refuses with
   * `token_not_found`, `last_token`, and `unauthenticated` as above.
   */
  revokeToken(actor: Actor, tokenId: CredentialId): Promise<void>;
  /**
   * Ends the token in use, and at once whatever was opened with it, if it is one of a sign-in. False: it is another, which stays until
   * it is revoked.
   */
  signOut(actor: Actor): Promise<boolean>;
}

/** What making a token needs. */
export interface TokenSources {
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Makes a personal token: as it is kept, and its secret. */
export function makeToken(name: string, sources: TokenSources): MadeToken {
  return make(USER_TOKEN_PREFIX, { kind: 'personal', name, expiresAtMs: null }, sources);
}

/** Makes the token of a sign-in, which ends by itself, and no later than this. */
export function makeSession(sources: TokenSources, expiresAtMsMax = Number.POSITIVE_INFINITY): MadeToken {
  const expiresAtMs = Math.min(sources.clock.nowMs() + SESSION_MS, expiresAtMsMax);
  return make(USER_TOKEN_PREFIX, { kind: 'session', name: SESSION_NAME, expiresAtMs }, sources);
}

/** The token of who has just proved to be its account. */
export const asProven = ({ token, secret }: MadeToken): MadeToken => ({
  token: { ...token, provenAtMs: token.createdAtMs },
  secret,
});

/** Makes the token that undoes a deletion, for accounts that have no other way in. */
export function makeUndoToken(expiresAtMs: number, sources: TokenSources): MadeToken {
  return make(USER_TOKEN_PREFIX, { kind: 'session', name: UNDO_NAME, expiresAtMs }, sources);
}

/** Makes an API key; `expiresAtMs` null: it doesn't end by itself. */
export function makeApiKey(name: string, expiresAtMs: number | null, sources: TokenSources): MadeToken {
  return make(API_KEY_PREFIX, { kind: 'api_key', name, expiresAtMs }, sources);
}

/** A token as it is kept, and its secret. */
interface MadeToken {
  readonly token: StoredToken;
  readonly secret: string;
}

function make(
  prefix: string,
  described: Pick<StoredToken, 'kind' | 'name' | 'expiresAtMs'>,
  { clock, random, hash }: TokenSources,
): MadeToken {
  const secret = prefix + Buffer.from(random.bytes(USER_TOKEN_BYTES)).toString('base64url');
  const id = asId<CredentialId>(random.uuid());
  const createdAtMs = clock.nowMs();
  const token = { ...described, id, createdAtMs, lastUsedAtMs: null, provenAtMs: null, hash: hash(secret) };
  return { token, secret };
}

/** Builds this part of the service. */
export function createAccountTokens(
  dependencies: TokenSources & {
    readonly store: Pick<AccountStore, 'listTokens' | 'addToken' | 'removeToken' | 'removeSession'>;
    readonly live: Pick<LiveConnections, 'endCredential'>;
  },
): AccountTokens {
  const { store, live } = dependencies;

  const add = async (account: AccountActor, { token, secret }: MadeToken): Promise<NewToken> => {
    const outcome = await store.addToken(account, token, TOKENS_PER_ACCOUNT_MAX);
    if (outcome !== 'added') throw refusalOfAdding(outcome);
    return { token, secret };
  };

  return {
    async listTokens(actor, after, limit) {
      const account = requirePermission(actor, 'account.read');
      return pageOf(await store.listTokens(account, after, limit + 1), limit, byCreation);
    },

    createToken: async (actor, name) =>
      add(requirePermission(actor, 'account.manage'), makeToken(name, dependencies)),

    async createSession(actor) {
      const account = requirePermission(actor, 'account.manage');
      return add(account, makeSession(dependencies, account.lookAgainAtMs ?? account.expiresAtMs));
    },

    async revokeToken(actor, tokenId) {
      const account = requirePermission(actor, 'account.manage');
      const outcome = await store.removeToken(account, tokenId).catch((error: unknown) => {
        // It may be revoked all the same. Whoever has a token that is not comes back by himself.
        live.endCredential(account.accountId, tokenId);
        throw error;
      });
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'not_found') throw notFound('token');
      if (outcome === 'last_token') throw lastToken();
      // After the commit: who arrives later is refused, who arrived before is found here.
      live.endCredential(account.accountId, tokenId);
    },

    async signOut(actor) {
      const account = requirePermission(actor, 'account.prove');
      const isRemoved = await store.removeSession(account);
      if (isRemoved) live.endCredential(account.accountId, account.credentialId);
      return isRemoved;
    },
  };
}

/** Why a token was not added. */
export function refusalOfAdding(outcome: 'limit_reached' | 'credential_gone'): AppError {
  return outcome === 'credential_gone' ? credentialGone() : limitReached();
}

/** The access token was a good one. Who shows it guesses nothing: `isOver`. */
export function accessTokenEnded(): AppError {
  return new AppError('unauthenticated', 'unauthenticated', 'Your access token has ended: refresh it.', {
    details: { isOver: true },
  });
}

/** The credential in use is gone. */
export function credentialGone(): AppError {
  return new AppError('unauthenticated', 'unauthenticated', 'Your token was revoked.');
}

function lastToken(): AppError {
  return new AppError('conflict', 'last_token', 'It is your last token: make another one first.');
}

function limitReached(): AppError {
  return new AppError('conflict', 'limit_reached', 'You have as many tokens as you may have.', {
    details: { tokensMax: TOKENS_PER_ACCOUNT_MAX },
  });
}
