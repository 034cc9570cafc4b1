import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, CredentialId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { MembershipGrant } from '../tenants/index.ts';
import type { Account, AccountToken } from './types.ts';

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** An account, and what it may in the tenant that was asked for; null: it is no member of it. */
export interface IdentifiedAccount {
  readonly account: Account;
  readonly credentialId: CredentialId;
  readonly tenantId: TenantId;
  readonly membership: MembershipGrant | null;
}

/** What is open by the credentials of accounts. */
export interface LiveConnections {
  /** Ends at once everything that was opened with the account's credential. */
  endCredential(accountId: AccountId, credentialId: CredentialId): void;
}

/** A token as it is kept. */
export interface StoredToken extends AccountToken {
  readonly hash: Uint8Array;
}

/** Where accounts are kept. */
export interface AccountStore {
  /** Puts the code in place of an earlier one, unless there is an account already: then false. */
  offerSetupCode(codeHash: Uint8Array): Promise<boolean>;
  /** Uses the code up and adds the account, both or neither. False: the code is wrong or used. */
  addFirstAccount(codeHash: Uint8Array, account: Account, token: StoredToken): Promise<boolean>;
  /** Adds the account with its home tenant and token. */
  addAccount(account: Account, token: StoredToken): Promise<void>;
  /** Whose token it is, acting in this tenant, or (null) in its home tenant. */
  findByToken(tokenHash: Uint8Array, tenantId: TenantId | null): Promise<IdentifiedAccount | null>;
  /** The account that asks. */
  findSelf(actor: AccountActor): Promise<Account | null>;
  findAccount(accountId: AccountId): Promise<Account | null>;
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
  /** Removes a token of the account that asks, unless it is the last. `credential_gone` as above. */
  removeToken(
    actor: AccountActor,
    tokenId: CredentialId,
  ): Promise<'removed' | 'not_found' | 'last_token' | 'credential_gone'>;
}
