import type { AccountActor, CredentialScope } from '../../kernel/actor.ts';
import type { AccountId, CredentialId, IdentityId, TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { LeavingMembership, MembershipGrant } from '../tenants/index.ts';
import type {
  Account,
  AccountToken,
  ApiKey,
  LinkedIdentity,
  OwnAccount,
  PendingDeletion,
  RecoveryCodesLeft,
} from './types.ts';

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** A token by its hash, or the sign-in of an access token. */
export type ShownToken = Uint8Array | CredentialId;

/** An account, and what it may in the tenant that was asked for; null: it is no member of it. */
export interface IdentifiedAccount {
  readonly account: Account;
  readonly credentialId: CredentialId;
  readonly tenantId: TenantId;
  readonly membership: MembershipGrant | null;
  /** Null: not by itself. */
  readonly expiresAtMs: number | null;
  /** Of an API key; null: it is another token. */
  readonly scope: CredentialScope | null;
  /** Its sign-in waits for a passkey. */
  readonly isPartial: boolean;
  /** When the token's holder proved last that it is the account; null: never. */
  readonly provenAtMs: number | null;
  /** What the account has to prove itself with. */
  readonly has: { readonly passkey: boolean; readonly address: boolean; readonly recoveryCode: boolean };
  /** The account is to be deleted. */
  readonly isLeaving: boolean;
}

/** What is open by the credentials of accounts. */
export interface LiveConnections {
  /** Ends at once everything that was opened with the account's credential. */
  endCredential(accountId: AccountId, credentialId: CredentialId): void;
  /** Ends at once everything that the account has open, in whichever tenant. */
  endAccount(accountId: AccountId): void;
  /** What the account may has changed. What it has open stays. */
  accountChanged(accountId: AccountId): void;
}

/** Sends mail. Returns at once: whether and when it arrives, nobody who asks learns. */
export interface MailSender {
  send(mail: { readonly to: string; readonly subject: string; readonly text: string }): void;
}

/** Counts what each client asks for. */
export interface ClientLimiter {
  /** Counts one more; gives the seconds to wait where it was too much, else null. */
  countAndCheck(client: string): number | null;
}

/** A code as it is kept: for an address, whether that has an account or not. */
export interface StoredCode {
  readonly id: string;
  readonly address: string;
  readonly hash: Uint8Array;
  /** Of the account that it makes where the address has none; null: it makes none. */
  readonly accountName: string | null;
  readonly triesLeft: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** A sign-in that was added. */
export interface AddedSession {
  /** As it is kept. */
  readonly token: StoredToken;
  /** Sign-ins that made way for it. */
  readonly ended: readonly CredentialId[];
}

/** Where codes are kept, and what they open. */
export interface SignInStore {
  /** Keeps the code and tells whose the address is. `too_many`: since then as many were kept for it as may be; nothing is kept. */
  addCode(
    code: StoredCode,
    limit: { readonly sinceMs: number; readonly codesMax: number },
  ): Promise<{ readonly account: Account | null } | 'too_many'>;
  /**
   * Uses the code up, and adds a token for the account of its address, which is made where there is none and the code may. Null: it
   * isn't right (one try less), or not there any more.
   */
  useCode(
    use: { readonly codeId: string; readonly nowMs: number; isRight(hash: Uint8Array): boolean },
    token: StoredToken,
    newAccount: (name: string) => Account,
    tokensMax: number,
  ): Promise<(AddedSession & { readonly account: Account; readonly isNew: boolean }) | null>;
  /** Removes what has ended: codes made before, and tokens that expired. */
  removeExpired(codesBeforeMs: number, nowMs: number): Promise<void>;
}

/** A change of address as it is kept. `currentHash` is for an account that has an address. */
export interface StoredAddressChange {
  readonly id: string;
  readonly newAddress: string;
  readonly newHash: Uint8Array;
  readonly currentHash: Uint8Array;
  readonly triesLeft: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Where changes of addresses are kept, and what they change. */
export interface AddressChangeStore {
  /**
   * Keeps a change for the account that asks. `unchanged`: it has the address; `too_many`: since then as many were begun as may be;
   * `credential_gone`: the credential it asks with was revoked meanwhile.
   */
  addChange(
    actor: AccountActor,
    change: StoredAddressChange,
    limits: { readonly sinceMs: number; readonly ofAccountMax: number; readonly ofAddressMax: number },
  ): Promise<
    | { readonly currentAddress: string | null; readonly isTaken: boolean }
    | 'unchanged'
    | 'too_many'
    | 'credential_gone'
  >;
  /**
   * Uses a change of the account that asks up, and gives the account its new address. `wrong`: a code isn't right (one try less), the
   * change is not there any more, the account has another address than when it began, or somebody else has the new one.
   */
  useChange(
    actor: AccountActor,
    use: {
      readonly changeId: string;
      readonly nowMs: number;
      isNewRight(hash: Uint8Array): boolean;
      isCurrentRight(hash: Uint8Array): boolean;
      /** A recovery code of the account, which is used up in place of the code from the present mailbox; null: none was given. */
      readonly recoveryHash: Uint8Array | null;
    },
  ): Promise<{ readonly previousAddress: string | null } | 'wrong' | 'credential_gone'>;
  /** Removes changes that were begun before. */
  removeExpired(changesBeforeMs: number): Promise<void>;
}

/** Where it is kept from where people signed in. */
export interface SignInNoticeStore {
  /**
   * Notes a sign-in, and gives the address of the account if there is to be a mail about it: none came from there before, it is not the
   * first of a new account, and there were not as many mails since then as may be.
   */
  noteSignIn(
    accountId: AccountId,
    signIn: { readonly originHash: Uint8Array; readonly nowMs: number; readonly isFirst: boolean },
    limits: { readonly knownMax: number; readonly noticesMax: number; readonly sinceMs: number },
  ): Promise<string | null>;
}

/** What a tenant has, owes, and has set aside. */
export interface TenantMoney {
  read(tenantId: TenantId): Promise<{
    readonly hasOpenHold: boolean;
    /** Available, and earned. */
    readonly balanceMicrocents: Microcents;
    readonly owedMicrocents: Microcents;
  }>;
}

/** What accounts leave behind in tenants, and what removes it. */
export interface Estate {
  /** A suspended tenant keeps what it has. */
  isSuspended(tenantId: TenantId): boolean;
  /** Removes networks and devices of the actor's tenant, and what they have open; some of them at a time. True: none are left. */
  clear(actor: AccountActor): Promise<boolean>;
  /** Ends the actor's membership of its tenant, with what it brought along. */
  leave(actor: AccountActor): Promise<void>;
}

/** Where it is kept which accounts are to be deleted. */
export interface DeletionStore {
  /** What would be removed with the account, and what keeps it from going. */
  survey(accountId: AccountId): Promise<{
    readonly removedTenantIds: readonly TenantId[];
    readonly blockedTenantIds: readonly TenantId[];
    readonly isLastOperator: boolean;
  }>;
  /**
   * From now on the account is to be deleted: its tokens are removed, the undo token is added, and invitations into what is removed with it are
   * withdrawn. `changed`: other tenants would be removed than these, or something keeps it from going now.
   */
  request(
    actor: AccountActor,
    deletion: PendingDeletion,
    undoToken: StoredToken,
    settledTenantIds: readonly TenantId[],
  ): Promise<{ readonly address: string | null } | 'changed' | 'credential_gone'>;
  find(accountId: AccountId): Promise<PendingDeletion | null>;
  cancel(accountId: AccountId, nowMs: number): Promise<'cancelled' | 'none' | 'too_late'>;
  /** Accounts whose time is over, those that were tried last the longest ago first; they are tried now. */
  takeDue(nowMs: number, limit: number): Promise<readonly AccountId[]>;
  plan(accountId: AccountId): Promise<{
    readonly homeTenantId: TenantId;
    readonly memberships: readonly LeavingMembership[];
  }>;
  /** Tenants that would have no owner get one. */
  promoteSuccessors(accountId: AccountId): Promise<void>;
  /**
   * Removes the account, with these tenants, which are empty; gives its address. Null: its time isn't over, or its tenants have changed
   * meanwhile.
   */
  remove(
    accountId: AccountId,
    clearedTenantIds: readonly TenantId[],
    nowMs: number,
  ): Promise<{ readonly address: string | null } | null>;
}

/** Where recovery codes are kept. */
export interface RecoveryCodeStore {
  /** The codes of the account that asks, from now on; gives its address. Null: the credential it asks with was revoked meanwhile. */
  replace(
    actor: AccountActor,
    hashes: readonly Uint8Array[],
    nowMs: number,
  ): Promise<{ readonly address: string | null } | null>;
  count(actor: AccountActor): Promise<RecoveryCodesLeft>;
  /** Uses a code up, and adds a token for its account. Null: there is no such code. */
  use(
    codeHash: Uint8Array,
    token: StoredToken,
    tokensMax: number,
  ): Promise<{
    readonly account: Account;
    readonly address: string | null;
    readonly left: number;
    /** Sign-ins that made way for this one. */
    readonly ended: readonly CredentialId[];
  } | null>;
}

/** A token as it is kept. */
export interface StoredToken extends AccountToken {
  readonly hash: Uint8Array;
  /** When its holder proved that it is the account; null: it didn't. */
  readonly provenAtMs: number | null;
}

/** Where accounts are kept. */
export interface AccountStore {
  /** Puts the code in place of an earlier one, unless there is an account already: then false. */
  offerSetupCode(codeHash: Uint8Array): Promise<boolean>;
  /** Uses the code up and adds the account, both or neither. False: the code is wrong or used. */
  addFirstAccount(codeHash: Uint8Array, account: Account, token: StoredToken): Promise<boolean>;
  /** Adds the account with its home tenant, its token and (null: none) its address. False: the address is another's. */
  addAccount(account: Account, token: StoredToken, address: string | null): Promise<boolean>;
  /**
   * Whose token it is that hasn't expired, acting in this tenant, or (null) in its home tenant; an API key acts in its own
   * tenant, and is a member of no other. Notes its use.
   */
  findByToken(shown: ShownToken, tenantId: TenantId | null, nowMs: number): Promise<IdentifiedAccount | null>;
  /** The account that asks. */
  findSelf(actor: AccountActor): Promise<OwnAccount | null>;
  /** Gives the account that asks another name. */
  renameSelf(actor: AccountActor, name: string): Promise<void>;
  findAccount(accountId: AccountId): Promise<Account | null>;
  /** Null: it has none, or there is no such account. */
  findAddress(accountId: AccountId): Promise<string | null>;
  /** The names of those that the actor may see. */
  findNames(actor: AccountActor, accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, string>>;
  /** In order of creation, those behind `after`. */
  listAccounts(after: ListPosition<AccountId> | null, limit: number): Promise<readonly Account[]>;
  /** The tokens of the account that asks, in order of creation, those behind `after`. */
  listTokens(
    actor: AccountActor,
    after: ListPosition<CredentialId> | null,
    limit: number,
  ): Promise<readonly AccountToken[]>;
  /** Adds a token of the account that asks. `credential_gone`: the one it asks with was revoked meanwhile. */
  addToken(
    actor: AccountActor,
    token: StoredToken,
    tokensMax: number,
  ): Promise<'added' | 'limit_reached' | 'credential_gone'>;
  /** Adds an API key of the account that asks, for the tenant that it acts in. Outcomes as of `addToken`. */
  addApiKey(
    actor: AccountActor,
    token: StoredToken,
    key: Pick<ApiKey, 'scope' | 'limits'>,
    tokensMax: number,
  ): Promise<'added' | 'limit_reached' | 'credential_gone'>;
  /** The API keys of the account that asks for the tenant that it acts in, in order of creation, those behind `after`. */
  listApiKeys(
    actor: AccountActor,
    after: ListPosition<CredentialId> | null,
    limit: number,
    nowMs: number,
  ): Promise<readonly ApiKey[]>;
  /**
   * Removes a token of the account that asks, unless it is the last one but for API keys and the account has no address to sign in with.
   * `credential_gone` as above.
   */
  removeToken(
    actor: AccountActor,
    tokenId: CredentialId,
  ): Promise<'removed' | 'not_found' | 'last_token' | 'credential_gone'>;
  /** Removes the token that the account asks with, if it is one of a sign-in. False: it isn't, or is gone. */
  removeSession(actor: AccountActor): Promise<boolean>;
}

/** What one sign-in at a provider is held against. */
export interface SignInChecks {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Whom a provider says that somebody is. */
export interface ProvenClaims {
  readonly issuer: string;
  readonly subject: string;
  /** Null: the provider doesn't say, or doesn't say that it was shown to be theirs. */
  readonly verifiedAddress: string | null;
  readonly name: string | null;
}

/** Somebody else who knows who people are. */
export interface IdentityProvider {
  /** In paths. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** As it is configured. */
  readonly issuer: string;
  /** Where the browser goes. Rejects where the provider can't be reached. */
  authorizationUrl(checks: SignInChecks): Promise<string>;
  /** Whom the provider's answer tells of. Null: it isn't right. Rejects where the provider can't be reached. */
  claimsOf(answer: URLSearchParams, checks: SignInChecks): Promise<ProvenClaims | null>;
}

/** An identity at an issuer. `address` null: none that the issuer vouches for. */
export interface ExternalIdentity {
  /** What it is called here, if it is new. */
  readonly id: IdentityId;
  readonly issuer: string;
  readonly subject: string;
  readonly address: string | null;
}

/** What may let an account in besides its tokens. */
export interface WaysIn {
  readonly opensByMail: boolean;
  readonly opensByPasskey: boolean;
  readonly opensByPassword: boolean;
  opensAt(issuer: string): boolean;
}

/** Where the identities of accounts are kept, as the accounts themselves see them. */
export interface IdentityStore {
  /** Those of the account that asks, in order of creation, those behind `after`. */
  listIdentities(
    actor: AccountActor,
    after: ListPosition<IdentityId> | null,
    limit: number,
  ): Promise<readonly Omit<LinkedIdentity, 'title'>[]>;
  /**
   * Removes one of the account that asks, unless nothing else lets it in. `opensByMail`: an address does; `opensAt`: an identity
   * of this issuer does; `opensByPasskey`: a passkey does. `credential_gone`: the credential it asks with was revoked meanwhile.
   */
  removeIdentity(
    actor: AccountActor,
    identityId: IdentityId,
    ways: WaysIn,
  ): Promise<'removed' | 'not_found' | 'last_way' | 'credential_gone'>;
}

/** Where sign-ins with issuers are kept, and what they open. */
export interface ExternalSignInStore {
  addPending(
    pending: SignInChecks & {
      readonly browserHash: Uint8Array;
      readonly provider: string;
      readonly expiresAtMs: number;
    },
  ): Promise<void>;
  /** Takes a sign-in out, so that it is finished once. Null: there is none of this browser. */
  takePending(asked: {
    readonly state: string;
    readonly browserHash: Uint8Array;
    readonly provider: string;
    readonly nowMs: number;
  }): Promise<SignInChecks | null>;
  /**
   * Adds a token for the account of the identity: the one it was joined to; else the one of its address, which it joins; else
   * a new one. `unverified`: it was joined to none and has no address. `unknown`: its address has no account, and `newAccount` is null.
   */
  enter(
    identity: ExternalIdentity,
    token: StoredToken,
    newAccount: (() => Account) | null,
    limits: { readonly nowMs: number; readonly tokensMax: number },
  ): Promise<
    | {
        readonly account: Account;
        readonly isNew: boolean;
        readonly token: StoredToken;
        /** Sign-ins that made way for this one. */
        readonly ended: readonly CredentialId[];
      }
    | 'unverified'
    | 'unknown'
  >;
  removeExpired(nowMs: number): Promise<void>;
}
