import type { AccountId, CredentialId, TenantId } from '../../kernel/ids.ts';

/** What is kept of the half of a sign-in's refresh token that changes. */
export interface RefreshState {
  readonly currentHash: Uint8Array;
  /** Null: it was not used yet. */
  readonly previousHash: Uint8Array | null;
  readonly rotatedAtMs: number;
}

/** A sign-in that has refresh tokens. */
export interface RefreshedSignIn {
  readonly accountId: AccountId;
  readonly homeTenantId: TenantId;
  readonly credentialId: CredentialId;
  readonly expiresAtMs: number;
}

/** Where refresh tokens are kept. */
export interface RefreshStore {
  /** Turns the sign-in with this token into one with refresh tokens; null: it is no token of a complete sign-in. */
  begin(
    tokenHash: Uint8Array,
    refreshToken: { readonly familyHash: Uint8Array; readonly currentHash: Uint8Array },
    nowMs: number,
  ): Promise<RefreshedSignIn | null>;
  /** Keeps the next state; where `rotate` says null, ends the sign-in. Null: there is none. */
  rotate(
    familyHash: Uint8Array,
    rotate: (state: RefreshState) => RefreshState | null,
    nowMs: number,
  ): Promise<(RefreshedSignIn & { readonly isEnded: boolean }) | null>;
}

/** A key that signs access tokens. */
export interface StoredAccessTokenKey {
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly privateKeySealed: Uint8Array;
  readonly createdAtMs: number;
  readonly signsFromMs: number;
}

/** Where the keys of access tokens are kept. */
export interface AccessTokenKeyStore {
  list(): Promise<readonly StoredAccessTokenKey[]>;
  /** Adds and removes as decided, while nobody else does; what is left. */
  change(
    decide: (keys: readonly StoredAccessTokenKey[]) => {
      readonly added: StoredAccessTokenKey | null;
      readonly ended: readonly string[];
    },
  ): Promise<readonly StoredAccessTokenKey[]>;
}

/** Whose access token it is, and when it was made and ends. */
interface AccessTokenClaims {
  readonly accountId: AccountId;
  readonly credentialId: CredentialId;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** A public key as a JSON Web Key. */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** The key, base64url. */
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

type PublicKey = Pick<StoredAccessTokenKey, 'id' | 'publicKey'>;

/** How access tokens are written. */
export interface AccessTokenFormat {
  sign(key: PublicKey & { readonly privateKey: Uint8Array }, claims: AccessTokenClaims): Promise<string>;
  /** `ended`: all that is wrong with it is its age; null: it is none of one of these keys, or from the future. */
  read(token: string, keys: readonly PublicKey[], nowMs: number): Promise<AccessTokenClaims | 'ended' | null>;
  toPublicJwk(key: PublicKey): PublicJwk;
}
