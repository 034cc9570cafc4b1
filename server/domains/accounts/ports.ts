import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { MembershipGrant } from '../tenants/index.ts';
import type { Account } from './types.ts';

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** An account, and what it may in the tenant that was asked for; null: it is no member of it. */
export interface IdentifiedAccount {
  readonly account: Account;
  readonly tenantId: TenantId;
  readonly membership: MembershipGrant | null;
}

/** Where accounts are kept. */
export interface AccountStore {
  /** Puts the code in place of an earlier one, unless there is an account already: then false. */
  offerSetupCode(codeHash: Uint8Array): Promise<boolean>;
  /** Uses the code up and adds the account, both or neither. False: the code is wrong or used. */
  addFirstAccount(codeHash: Uint8Array, account: Account, tokenHash: Uint8Array): Promise<boolean>;
  /** Adds the account with its home tenant and token. */
  addAccount(account: Account, tokenHash: Uint8Array): Promise<void>;
  /** Whose token it is, acting in this tenant, or (null) in its home tenant. */
  findByToken(tokenHash: Uint8Array, tenantId: TenantId | null): Promise<IdentifiedAccount | null>;
  /** The account that asks. */
  findSelf(actor: AccountActor): Promise<Account | null>;
  findAccount(accountId: AccountId): Promise<Account | null>;
  /** The names of those that the actor may see. */
  findNames(actor: AccountActor, accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, string>>;
  /** In order of creation, those behind `after`. */
  listAccounts(after: ListPosition<AccountId> | null, limit: number): Promise<readonly Account[]>;
}
