import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { type ClientAuth, ClientSecretPost } from 'openid-client';
import type { Clock } from '../../kernel/clock.ts';
import { StartError } from '../../kernel/start-error.ts';
import { SIGNED_SECRET_SECONDS } from './limits.ts';

/** How a client proves itself to its issuer: by a secret that both know, or by one that it signs anew each time, as Apple wants it. */
export type ClientSecret =
  | { readonly clientSecret: string }
  | {
      /** Whose key it is: Apple's team id. */
      readonly teamId: string;
      readonly keyId: string;
      /** An EC key of P-256, as PEM. It stays here. */
      readonly privateKey: string;
    };

/** Refuses with StartError what is no key of P-256: the server would let nobody in with it. */
function readKey(pem: string, clientId: string): KeyObject {
  let key: KeyObject | null = null;
  try {
    key = createPrivateKey(pem);
  } catch {
    // What is wrong about it may show some of it.
  }
  if (key?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw new StartError(`The private key of ${clientId} in YGGDRASIL_OIDC is no EC key of P-256 in PEM.`);
}

/** What goes with requests to the issuer. */
export interface ClientCredentials {
  readonly auth: ClientAuth;
  /** Signs what `auth` sends, where it is signed: called before each request. */
  renew(): Promise<void>;
}

/**
 * The credentials of a client. Throws StartError for a key that is none. A signed secret is a token by ES256 that is good for minutes (Apple, "Creating a client secret"): a fixed one
 * would end after six months, and with it everybody's sign-in.
 */
export function createClientCredentials(
  given: ClientSecret,
  { issuer, clientId, clock }: { readonly issuer: string; readonly clientId: string; readonly clock: Clock },
): ClientCredentials {
  if ('clientSecret' in given) {
    return { auth: ClientSecretPost(given.clientSecret), renew: async () => {} };
  }
  const { teamId, keyId } = given;
  const privateKey = readKey(given.privateKey, clientId);
  let signed = '';
  return {
    auth: (_, client, body) => {
      body.set('client_id', client.client_id);
      body.set('client_secret', signed);
    },
    async renew() {
      const nowSeconds = Math.floor(clock.nowMs() / 1000);
      signed = await new SignJWT({})
        .setProtectedHeader({ alg: 'ES256', kid: keyId })
        .setIssuer(teamId)
        .setIssuedAt(nowSeconds)
        .setExpirationTime(nowSeconds + SIGNED_SECRET_SECONDS)
        .setAudience(issuer)
        .setSubject(clientId)
        .sign(privateKey);
    },
  };
}
