import { AppError } from '../../kernel/errors.ts';
import { asId, type IdentityId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { toName } from '../../kernel/name.ts';
import { tooMany } from './codes.ts';
import {
  ISSUER_CHARACTERS_MAX,
  NAME_OF_UNNAMED,
  PENDING_SIGN_IN_MS,
  RANDOM_VALUE_BYTES,
  SUBJECT_CHARACTERS_MAX,
  TOKENS_PER_ACCOUNT_MAX,
} from './limits.ts';
import type {
  ClientLimiter,
  ExternalIdentity,
  ExternalSignInStore,
  IdentityProvider,
  LiveConnections,
  ProvenClaims,
} from './ports.ts';
import { canonicalMailAddress, signUpClosed } from './sign-in.ts';
import type { SignInNotices, SignInOrigin } from './sign-in-notices.ts';
import { makeSession, type TokenSources } from './tokens.ts';
import type { Account, NewToken } from './types.ts';

/** A provider that people may sign in with, as they see it. */
export interface ListedProvider {
  readonly name: string;
  readonly title: string;
}

/** A sign-in whose browser goes to its provider now. */
export interface BegunSignIn {
  readonly url: string;
  /** What the browser keeps and brings back. */
  readonly browserSecret: string;
  readonly expiresAtMs: number;
}

/**
 * Sign-in with issuers that the operator configured. An identity opens the account that it was joined to. A new one is joined
 * to the account of its address, or makes one, only where its issuer says that the address was shown to be theirs.
 */
export interface ExternalSignIn {
  listProviders(): readonly ListedProvider[];
  /** Refuses with `identity_provider_unknown`, `rate_limited`, and `identity_provider_unreachable`. */
  beginExternal(provider: string, client: string): Promise<BegunSignIn>;
  /**
   * Signs in with the provider's answer, once, from the browser that began. Refuses with `identity_provider_unknown`,
   * `identity_refused` what is not right about the answer, `identity_unverified` an identity without an address of its own,
   * `sign_up_closed` one that would make an account where nobody may, and `identity_provider_unreachable`.
   */
  finishExternal(
    provider: string,
    answer: URLSearchParams,
    browserSecret: string | null,
    origin: SignInOrigin,
  ): Promise<NewToken & { readonly account: Account; readonly isNew: boolean }>;
  /** Removes what has ended. */
  removeExpiredSignIns(): Promise<void>;
}

/** What it needs. */
export interface ExternalSignInDependencies extends TokenSources {
  readonly external: ExternalSignInStore;
  readonly providers: readonly IdentityProvider[];
  readonly clients: ClientLimiter;
  readonly notices: SignInNotices;
  readonly signUpOpen: boolean;
  readonly newAccount: (name: string) => Account;
  readonly live: LiveConnections;
  readonly logger: Logger;
}

/** Builds this part of the service. */
export function createExternalSignIn(dependencies: ExternalSignInDependencies): ExternalSignIn {
  const { external, providers, clients, live, signUpOpen, clock, random, hash, logger } = dependencies;

  const randomText = () => Buffer.from(random.bytes(RANDOM_VALUE_BYTES)).toString('base64url');

  const reach = async <T>({ name }: IdentityProvider, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      logger.error(
        { operation: 'users.externalSignIn', provider: name, error },
        'an identity provider failed',
      );
      throw new AppError(
        'unavailable',
        'identity_provider_unreachable',
        'The provider that you sign in with does not answer as it should. Try again later.',
        { cause: error },
      );
    }
  };

  return {
    listProviders: () => providers.map(({ name, title }) => ({ name, title })),

    async beginExternal(name, client) {
      const provider = findProvider(providers, name);
      const waitSeconds = clients.countAndCheck(client);
      if (waitSeconds !== null) throw tooMany(waitSeconds);
      const checks = { state: randomText(), nonce: randomText(), codeVerifier: randomText() };
      const url = await reach(provider, provider.authorizationUrl(checks));
      const browserSecret = randomText();
      const expiresAtMs = clock.nowMs() + PENDING_SIGN_IN_MS;
      await external.addPending({ ...checks, browserHash: hash(browserSecret), provider: name, expiresAtMs });
      return { url, browserSecret, expiresAtMs };
    },

    async finishExternal(name, answer, browserSecret, origin) {
      const provider = findProvider(providers, name);
      const checks = await external.takePending({
        state: answer.get('state') ?? '',
        browserHash: hash(browserSecret ?? ''),
        provider: name,
        nowMs: clock.nowMs(),
      });
      if (checks === null) throw refused();
      const claims = await reach(provider, provider.claimsOf(answer, checks));
      if (claims === null) throw refused();
      const made = makeSession(dependencies);
      const newAccount = signUpOpen ? () => dependencies.newAccount(nameOf(claims.name)) : null;
      const entered = await external.enter(identityOf(claims, asId(random.uuid())), made.token, newAccount, {
        nowMs: clock.nowMs(),
        tokensMax: TOKENS_PER_ACCOUNT_MAX,
      });
      if (entered === 'unverified') throw unverified();
      if (entered === 'unknown') throw signUpClosed();
      const { account, isNew, token } = entered;
      for (const credentialId of entered.ended) live.endCredential(account.id, credentialId);
      dependencies.notices.note(account, isNew, origin);
      return { account, isNew, token, secret: made.secret };
    },

    removeExpiredSignIns: () => external.removeExpired(clock.nowMs()),
  };
}

function identityOf({ issuer, subject, verifiedAddress }: ProvenClaims, id: IdentityId): ExternalIdentity {
  if (issuer.length > ISSUER_CHARACTERS_MAX || subject.length > SUBJECT_CHARACTERS_MAX) throw refused();
  const address = canonicalMailAddress(verifiedAddress ?? '');
  return { id, issuer, subject, address: ADDRESS.test(address) ? address : null };
}

/** What our own limits take of an address that its owner has shown to a provider. */
const ADDRESS = /^(?=.{3,254}$)[^\s@]+@[^\s@]+$/;

/** What a provider calls somebody, where that is a name here. */
function nameOf(claimed: string | null): string {
  const outcome = toName(claimed ?? '');
  return outcome.ok ? outcome.name : NAME_OF_UNNAMED;
}

function findProvider(providers: readonly IdentityProvider[], name: string): IdentityProvider {
  const found = providers.find((provider) => provider.name === name);
  if (found !== undefined) return found;
  throw new AppError('not_found', 'identity_provider_unknown', 'Nobody signs in with this provider here.');
}

function refused(): AppError {
  return new AppError(
    'forbidden',
    'identity_refused',
    'The sign-in was cancelled, took too long, was used already, or began in another browser. Begin again.',
  );
}

function unverified(): AppError {
  return new AppError(
    'forbidden',
    'identity_unverified',
    'The provider does not say that your mail address is yours. Confirm it there, or sign in with a code by mail.',
  );
}
