import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, CredentialId, PasskeyId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { StoredToken, WaysIn } from './ports.ts';
import type { Account, Passkey } from './types.ts';

/** The server as passkeys know it: its domain name, and where its pages are. */
export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/** What a browser answers, as its JSON has it; the rest of it is its verifier's. */
export interface PasskeyAnswer {
  /** The credential id, in base64url. */
  readonly id: string;
  readonly response: Readonly<Record<string, unknown>>;
}

/** What an authenticator says of a use, under its signature. */
export interface PasskeyUse {
  readonly signCount: number;
  readonly isBackedUp: boolean;
}

/** A passkey's credential: what its authenticator calls it, and its public key. */
export interface PasskeyKey extends PasskeyUse {
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly isSynced: boolean;
}

/** Asks browsers for passkeys, and checks what they answer: Web Authentication. Answers that aren't right give null. */
export interface PasskeyCeremonies {
  creationOptions(
    party: RelyingParty,
    asked: {
      readonly challenge: Uint8Array;
      readonly userHandle: Uint8Array;
      readonly userName: string;
      readonly displayName: string;
      readonly knownIds: readonly string[];
      readonly timeoutMs: number;
    },
  ): Promise<object>;
  /** `allowedIds` null: whichever passkey the browser finds. */
  requestOptions(
    party: RelyingParty,
    asked: {
      readonly challenge: Uint8Array;
      readonly allowedIds: readonly string[] | null;
      readonly timeoutMs: number;
    },
  ): Promise<object>;
  verifyCreation(
    party: RelyingParty,
    challenge: Uint8Array,
    answer: PasskeyAnswer,
  ): Promise<PasskeyKey | null>;
  verifyUse(
    party: RelyingParty,
    challenge: Uint8Array,
    answer: PasskeyAnswer,
    publicKey: Uint8Array,
  ): Promise<PasskeyUse | null>;
}

/** What a challenge is for: making a passkey, signing in with one, or proving again who it is. */
export type ChallengePurpose = 'create' | 'sign_in' | 'prove';

/** A challenge as it is kept. */
export interface StoredChallenge {
  readonly id: string;
  readonly challenge: Uint8Array;
  readonly purpose: ChallengePurpose;
  /** The token that asked for it, and alone may answer; null: somebody who signs in. */
  readonly credentialId: CredentialId | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** A passkey as it is kept. */
export interface StoredPasskey extends Passkey, PasskeyKey {}

/** A passkey that somebody shows. */
export interface KnownPasskey {
  readonly id: PasskeyId;
  readonly accountId: AccountId;
  readonly publicKey: Uint8Array;
}

/** A sign-in that a passkey let in. */
export interface PasskeyEntry {
  readonly account: Account;
  /** Sign-ins that made way for it. */
  readonly ended: readonly CredentialId[];
}

/** Where passkeys and their challenges are kept. `credential_gone`: the credential in use was revoked meanwhile. */
export interface PasskeyStore {
  /** Keeps a challenge; of as many of one token as may be, the oldest goes. False: the token is gone. */
  addChallenge(challenge: StoredChallenge, ofTokenMax: number): Promise<boolean>;
  /** Takes a challenge out, so that it is answered once. Null: there is none of this token for that. */
  takeChallenge(asked: {
    readonly id: string;
    readonly purpose: ChallengePurpose;
    readonly credentialId: CredentialId | null;
    readonly nowMs: number;
  }): Promise<Uint8Array | null>;
  /** `taken`: some account has this credential. */
  addPasskey(
    actor: AccountActor,
    passkey: StoredPasskey,
    passkeysMax: number,
  ): Promise<{ readonly address: string | null } | 'taken' | 'limit_reached' | 'credential_gone'>;
  /** In order of creation, those behind `after`. */
  listPasskeys(
    actor: AccountActor,
    after: ListPosition<PasskeyId> | null,
    limit: number,
  ): Promise<readonly Passkey[]>;
  /** Credential ids of an account, in base64url, the oldest first. */
  listCredentialIds(accountId: AccountId): Promise<readonly string[]>;
  renamePasskey(actor: AccountActor, passkeyId: PasskeyId, name: string): Promise<Passkey | null>;
  /** `needed`: the account asks for a passkey at each sign-in, and it is the last one; `last_way`: nothing else lets it in. */
  removePasskey(
    actor: AccountActor,
    passkeyId: PasskeyId,
    ways: WaysIn,
  ): Promise<{ readonly address: string | null } | 'not_found' | 'needed' | 'last_way' | 'credential_gone'>;
  findByCredentialId(credentialId: Uint8Array): Promise<KnownPasskey | null>;
  /**
   * Notes a use, and adds the token of a sign-in; `partial` is the one that it completes, and goes. Null: the authenticator has counted
   * as far before, so that there are two of it; or something of it is gone.
   */
  enter(
    passkey: KnownPasskey,
    use: PasskeyUse & { readonly nowMs: number; readonly partial: CredentialId | null },
    token: StoredToken,
    tokensMax: number,
  ): Promise<PasskeyEntry | null>;
  /** True where the account asks for a passkey at each sign-in. */
  isSecondFactorRequired(actor: AccountActor): Promise<boolean>;
  /** `needed`: it has no passkey. */
  requireSecondFactor(
    actor: AccountActor,
    isRequired: boolean,
    nowMs: number,
  ): Promise<{ readonly address: string | null } | 'needed' | 'credential_gone'>;
  removeExpired(nowMs: number): Promise<void>;
}
