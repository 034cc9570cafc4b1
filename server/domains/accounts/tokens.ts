import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type CredentialId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { TOKENS_PER_ACCOUNT_MAX, USER_TOKEN_BYTES, USER_TOKEN_PREFIX } from './limits.ts';
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
  /**
   * Revokes a token of the account that asks, also the one in use: whoever uses it is cut off at once. Refuses with
   * `token_not_found`, `last_token`, and `unauthenticated` as above.
   */
  revokeToken(actor: Actor, tokenId: CredentialId): Promise<void>;
}

/** What making a token needs. */
export interface TokenSources {
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Makes a personal token: as it is kept, and its secret. */
export function makeToken(
  name: string,
  { clock, random, hash }: TokenSources,
): { token: StoredToken; secret: string } {
  const secret = USER_TOKEN_PREFIX + Buffer.from(random.bytes(USER_TOKEN_BYTES)).toString('base64url');
  const id = asId<CredentialId>(random.uuid());
  return { token: { id, kind: 'personal', name, createdAtMs: clock.nowMs(), hash: hash(secret) }, secret };
}

/** Builds this part of the service. */
export function createAccountTokens(
  dependencies: TokenSources & {
    readonly store: Pick<AccountStore, 'listTokens' | 'addToken' | 'removeToken'>;
    readonly live: LiveConnections;
  },
): AccountTokens {
  const { store, live } = dependencies;
  return {
    async listTokens(actor, after, limit) {
      const account = requirePermission(actor, 'account.read');
      return pageOf(await store.listTokens(account, after, limit + 1), limit, byCreation);
    },

    async createToken(actor, name) {
      const account = requirePermission(actor, 'account.manage');
      const { token, secret } = makeToken(name, dependencies);
      const outcome = await store.addToken(account, token, TOKENS_PER_ACCOUNT_MAX);
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'limit_reached') throw limitReached();
      return { token, secret };
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
  };
}

function credentialGone(): AppError {
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
