import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client';
import type { Clock } from '../../kernel/clock.ts';
import { isLoopback } from '../../kernel/network-address.ts';
import { type ClientSecret, createClientCredentials } from './client-secret.ts';
import { DISCOVERY_LIFE_MS, ISSUER_TIMEOUT_SECONDS } from './limits.ts';

/** An issuer of OpenID Connect as the operator configured it. */
export interface IssuerOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly client: ClientSecret;
  readonly scope: string;
  /** Exactly what is registered with the issuer. */
  readonly redirectUri: string;
  /** How the issuer gives its answer to the browser. */
  readonly responseMode: 'query' | 'form_post';
}

/** What a sign-in at an issuer begins with; its answer is held against it. */
export interface IssuerChecks {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Whom an issuer says that somebody is. */
export interface IssuerClaims {
  readonly issuer: string;
  readonly subject: string;
  /** Null: the issuer doesn't say, or doesn't say that it was shown to be theirs. */
  readonly verifiedAddress: string | null;
  readonly name: string | null;
}

/** Speaks OpenID Connect with one issuer: authorization code with PKCE, state and nonce (OpenID Connect Core section 3.1). */
export interface IssuerClient {
  /** Where the browser goes. Rejects where the issuer can't be reached. */
  authorizationUrl(checks: IssuerChecks): Promise<string>;
  /** Exchanges the code of the issuer's answer. Null: it isn't right. Rejects where the issuer can't be reached. */
  claimsOf(answer: URLSearchParams, checks: IssuerChecks): Promise<IssuerClaims | null>;
}

/** Builds the client; the issuer is asked nothing before it is needed. Plain HTTP is spoken with this machine alone. */
export function createIssuerClient(
  options: IssuerOptions,
  { clock }: { readonly clock: Clock },
): IssuerClient {
  const { auth, renew } = createClientCredentials(options.client, { ...options, clock });
  let known: { readonly configuration: Promise<Configuration>; readonly atMs: number } | null = null;

  const discover = (): Promise<Configuration> => {
    const nowMs = clock.monotonicMs();
    return known !== null && nowMs - known.atMs < DISCOVERY_LIFE_MS ? known.configuration : discoverNow();
  };

  const discoverNow = (): Promise<Configuration> => {
    const issuer = new URL(options.issuer);
    const configuration = discovery(issuer, options.clientId, undefined, auth, {
      timeout: ISSUER_TIMEOUT_SECONDS,
      execute: [
        // The signature is looked at besides the connection that an answer came over.
        enableNonRepudiationChecks,
        ...(issuer.protocol === 'http:' && isLoopback(issuer.hostname) ? [allowInsecureRequests] : []),
      ],
    });
    known = { configuration, atMs: clock.monotonicMs() };
    // What failed is asked again by the next one.
    configuration.catch(() => {
      known = null;
    });
    return configuration;
  };

  return {
    async authorizationUrl({ state, nonce, codeVerifier }) {
      const url = buildAuthorizationUrl(await discover(), {
        redirect_uri: options.redirectUri,
        scope: options.scope,
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(options.responseMode === 'query' ? {} : { response_mode: options.responseMode }),
      });
      return url.href;
    },

    async claimsOf(answer, { state, nonce, codeVerifier }) {
      // Anew, so that keys which the issuer has changed a moment ago are known.
      const configuration = await discoverNow();
      await renew();
      const url = new URL(options.redirectUri);
      url.search = answer.toString();
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
      try {
        const tokens = await authorizationCodeGrant(configuration, url, { ...checks, idTokenExpected: true });
        return claimsIn(tokens.claims());
      } catch (error) {
        if (isAboutTheAnswer(error)) return null;
        throw error;
      }
    },
  };
}

type IdTokenClaims = Readonly<Record<string, unknown>> | undefined;

function claimsIn(claims: IdTokenClaims): IssuerClaims | null {
  const { iss, sub, email, email_verified: verified, name } = claims ?? {};
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub === '') return null;
  // Apple writes the flag as a text.
  const isVerified = verified === true || verified === 'true';
  return {
    issuer: iss,
    subject: sub,
    verifiedAddress: isVerified && typeof email === 'string' ? email : null,
    name: typeof name === 'string' ? name : null,
  };
}

/** True where the issuer answered and its answer, or the browser's, is wrong; false where it gave none. */
function isAboutTheAnswer(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('OAUTH_') && code !== 'OAUTH_TIMEOUT' && code !== 'OAUTH_ABORT';
}
