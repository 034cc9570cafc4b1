import { errors, importJWK, jwtVerify, SignJWT } from 'jose';
import { type AccountId, asId, type CredentialId } from '../../kernel/ids.ts';

/** The algorithm, and no other one (RFC 8037). */
const ALGORITHM = 'EdDSA';

/** What tells an access token from other tokens of ours (RFC 9068 section 2.1). */
const TYPE = 'at+jwt';

/** How far the clock may have gone back since a token was signed, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** A key by its id, raw. */
interface Key {
  readonly id: string;
  readonly publicKey: Uint8Array;
}

/** Whose token it is, and when it was made and ends, in milliseconds. */
interface Claims {
  readonly accountId: AccountId;
  readonly credentialId: CredentialId;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const seconds = (ms: number) => Math.floor(ms / 1000);

/** The public key as a JSON Web Key (RFC 8037 section 2). */
const toPublicJwk = ({ id, publicKey }: Key) => ({
  kty: 'OKP' as const,
  crv: 'Ed25519' as const,
  x: base64url(publicKey),
  kid: id,
  alg: 'EdDSA' as const,
  use: 'sig' as const,
});

/** Signs and reads access tokens (RFC 9068) of this issuer, which are for itself alone. */
export function createAccessTokenFormat(issuer: string) {
  return {
    toPublicJwk,

    /** The token, signed with the private key (32 bytes). */
    async sign(key: Key & { readonly privateKey: Uint8Array }, claims: Claims): Promise<string> {
      const jwk = { ...toPublicJwk(key), d: base64url(key.privateKey) };
      return new SignJWT({ sid: claims.credentialId })
        .setProtectedHeader({ alg: ALGORITHM, kid: key.id, typ: TYPE })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setSubject(claims.accountId)
        .setIssuedAt(seconds(claims.issuedAtMs))
        .setExpirationTime(seconds(claims.expiresAtMs))
        .sign(await importJWK(jwk, ALGORITHM));
    },

    /**
     * What the token says; `ended`: all that is wrong with it is its age; null: it is none of one of these keys, of this issuer and
     * audience, or it comes from the future.
     */
    async read(token: string, keys: readonly Key[], nowMs: number): Promise<Claims | 'ended' | null> {
      try {
        const { payload } = await jwtVerify(
          token,
          async ({ kid }) => {
            const key = keys.find(({ id }) => id === kid);
            if (key === undefined) throw new errors.JWKSNoMatchingKey();
            return importJWK(toPublicJwk(key), ALGORITHM);
          },
          {
            algorithms: [ALGORITHM],
            typ: TYPE,
            issuer,
            audience: issuer,
            requiredClaims: ['sub', 'sid', 'iat', 'exp'],
            currentDate: new Date(nowMs),
          },
        );
        const { sub = '', sid, iat = 0, exp = 0 } = payload;
        if (iat > seconds(nowMs) + CLOCK_TOLERANCE_SECONDS) return null;
        return {
          accountId: asId<AccountId>(sub),
          credentialId: asId<CredentialId>(String(sid)),
          issuedAtMs: iat * 1000,
          expiresAtMs: exp * 1000,
        };
      } catch (error) {
        // The signature was looked at first.
        if (error instanceof errors.JWTExpired) return 'ended';
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}
