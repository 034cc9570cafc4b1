import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type { User } from './types.ts';

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** Where users are kept. */
export interface UserStore {
  /** Puts the code in place of an earlier one, unless there is a user already: then false. */
  offerSetupCode(codeHash: Uint8Array): Promise<boolean>;
  /** Uses the code up and adds the user, both or neither. False: the code is wrong or used. */
  addFirstUser(codeHash: Uint8Array, user: User, tokenHash: Uint8Array): Promise<boolean>;
  /** Adds the user with its tenant and token. */
  addUser(user: User, tokenHash: Uint8Array): Promise<void>;
  findUserByToken(tokenHash: Uint8Array): Promise<User | null>;
  findUser(tenantId: TenantId, accountId: AccountId): Promise<User | null>;
  findUserOfAnyTenant(accountId: AccountId): Promise<User | null>;
  /** In order of creation, those behind `after`. */
  listUsers(after: AccountId | null, limit: number): Promise<readonly User[]>;
}
