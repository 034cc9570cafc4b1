import type { Clock } from '../../kernel/clock.ts';
import type { CredentialId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { AccessTokenKeys } from './access-token-keys.ts';
import {
  ACCESS_TOKEN_MS,
  REFRESH_GRACE_MS,
  REFRESH_IDLE_MS,
  REFRESH_LIFE_MS,
  REFRESH_TOKEN_PREFIX,
  SESSION_MS,
  USER_TOKEN_BYTES,
  USER_TOKEN_PREFIX,
} from './limits.ts';
import type { LiveConnections, TokenHash } from './ports.ts';
import type {
  AccessTokenFormat,
  PublicJwk,
  RefreshedSignIn,
  RefreshState,
  RefreshStore,
} from './refresh-ports.ts';
import type { Account } from './types.ts';

/** A short token and what gets the next one. */
export interface TokenPair {
  readonly kind: 'pair';
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly lifeSeconds: number;
  /** Whose sign-in it is of. */
  readonly account: Pick<Account, 'id' | 'homeTenantId'>;
}

/** A refresh token that was used before came again: its sign-in has ended. */
export interface Reused {
  readonly kind: 'reused';
  readonly account: Pick<Account, 'id' | 'homeTenantId'>;
}

/** Sign-ins with tokens that are short and change. */
export interface RefreshTokens {
  /** Turns the token of a complete sign-in, which then works no more, into a pair; null: it is no such token. */
  exchangeToken(secret: string): Promise<TokenPair | null>;
  /** The next pair for a refresh token. Null: there is no such sign-in any more. */
  refresh(refreshToken: string): Promise<TokenPair | Reused | null>;
  /** The public keys of access tokens. */
  listAccessTokenKeys(): Promise<PublicJwk[]>;
  /** Makes and removes keys in their time. */
  rotateAccessTokenKeys(): Promise<void>;
  /** Reads the keys that other nodes have made and removed. */
  rereadAccessTokenKeys(): Promise<void>;
}

/** Whose access token it is, and when it ends; `ended`: it was a good one; null: it is none. */
export type ReadAccessToken = (
  token: string,
) => Promise<{ readonly credentialId: CredentialId; readonly expiresAtMs: number } | 'ended' | null>;

/** Of hashes of random secrets: how long comparing takes tells nothing of use. */
const isSame = (one: Uint8Array | null, other: Uint8Array) =>
  one !== null && Buffer.compare(one, other) === 0;

/**
 * The state after this half was shown; null: it was used before, by its holder or by a thief (RFC 9700 section 4.14.2). The one before is taken
 * again within `REFRESH_GRACE_MS` of its first use, and what was answered to it then is worth nothing any more.
 */
export function rotated(
  state: RefreshState,
  shownHash: Uint8Array,
  nextHash: Uint8Array,
  nowMs: number,
): RefreshState | null {
  if (isSame(state.currentHash, shownHash)) {
    return { currentHash: nextHash, previousHash: shownHash, rotatedAtMs: nowMs };
  }
  // Where the clock went back nobody knows how long ago it was.
  const ageMs = nowMs - state.rotatedAtMs;
  const isLostAnswer = isSame(state.previousHash, shownHash) && ageMs >= 0 && ageMs < REFRESH_GRACE_MS;
  return isLostAnswer ? { ...state, currentHash: nextHash } : null;
}

/** When a sign-in ends that was made and used at these times; `capMs`: it ends then at the latest, null: there is no such time. */
export const refreshEndsAtMs = (createdAtMs: number, usedAtMs: number, capMs: number | null): number =>
  Math.min(usedAtMs + REFRESH_IDLE_MS, createdAtMs + REFRESH_LIFE_MS, capMs ?? Number.POSITIVE_INFINITY);

/**
 * When a sign-in that was made to end sooner than others ends at the latest, also with refresh tokens: it came from one that was to
 * end then, or is good for one purpose. Null: it is like others.
 */
export const capOfSignIn = (createdAtMs: number, expiresAtMs: number): number | null =>
  expiresAtMs < createdAtMs + SESSION_MS ? expiresAtMs : null;

/** What it needs. */
export interface RefreshTokenDependencies {
  readonly refreshTokens: RefreshStore;
  readonly accessTokens: AccessTokenFormat;
  readonly accessTokenKeys: AccessTokenKeys;
  readonly live: Pick<LiveConnections, 'endCredential'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
  readonly logger: Logger;
}

/** Builds this part of the service. */
export function createRefreshTokens(dependencies: RefreshTokenDependencies): RefreshTokens {
  const { refreshTokens, accessTokens, accessTokenKeys, live, clock, random, hash, logger } = dependencies;
  const half = () => Buffer.from(random.bytes(USER_TOKEN_BYTES)).toString('base64url');

  const pairOf = async (signIn: RefreshedSignIn, refreshToken: string): Promise<TokenPair> => {
    const issuedAtMs = clock.nowMs();
    const expiresAtMs = Math.min(issuedAtMs + ACCESS_TOKEN_MS, signIn.expiresAtMs);
    const claims = { ...signIn, issuedAtMs, expiresAtMs };
    const accessToken = await accessTokens.sign(await accessTokenKeys.signing(), claims);
    const lifeSeconds = Math.floor((expiresAtMs - issuedAtMs) / 1000);
    return { kind: 'pair', accessToken, refreshToken, lifeSeconds, account: accountOf(signIn) };
  };

  return {
    async exchangeToken(secret) {
      if (!secret.startsWith(USER_TOKEN_PREFIX)) return null;
      const nowMs = clock.nowMs();
      const family = REFRESH_TOKEN_PREFIX + half();
      const current = half();
      const signIn = await refreshTokens.begin(
        hash(secret),
        { familyHash: hash(family), currentHash: hash(current) },
        nowMs,
      );
      return signIn === null ? null : pairOf(signIn, `${family}.${current}`);
    },

    async refresh(refreshToken) {
      const nowMs = clock.nowMs();
      const [family = '', shown = '', ...rest] = refreshToken.split('.');
      if (!family.startsWith(REFRESH_TOKEN_PREFIX) || rest.length > 0) return null;
      const next = half();
      const signIn = await refreshTokens.rotate(
        hash(family),
        (state) => rotated(state, hash(shown), hash(next), nowMs),
        nowMs,
      );
      if (signIn === null) return null;
      const { accountId, credentialId } = signIn;
      if (signIn.isEnded) {
        live.endCredential(accountId, credentialId);
        logger.warn({ operation: 'oauth.token', accountId, credentialId }, 'a refresh token came again');
        return { kind: 'reused', account: accountOf(signIn) };
      }
      return pairOf(signIn, `${family}.${next}`);
    },

    async listAccessTokenKeys() {
      return (await accessTokenKeys.published()).map(accessTokens.toPublicJwk);
    },

    rotateAccessTokenKeys: () => accessTokenKeys.rotate(),
    rereadAccessTokenKeys: () => accessTokenKeys.reread(),
  };
}

/** Reads access tokens. What is none costs no look at a key. */
export function createAccessTokenReader({
  accessTokens,
  accessTokenKeys,
  clock,
}: Pick<RefreshTokenDependencies, 'accessTokens' | 'accessTokenKeys' | 'clock'>): ReadAccessToken {
  return async (token) =>
    token.startsWith('ey')
      ? accessTokens.read(token, await accessTokenKeys.published(), clock.nowMs())
      : null;
}

function accountOf({ accountId, homeTenantId }: RefreshedSignIn): Pick<Account, 'id' | 'homeTenantId'> {
  return { id: accountId, homeTenantId };
}
