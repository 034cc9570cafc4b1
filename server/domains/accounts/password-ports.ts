import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId } from '../../kernel/ids.ts';
import type { AddedSession, StoredToken, WaysIn } from './ports.ts';
import type { Account } from './types.ts';

/** Who wants a password hashed; known are accounts that are signed in, and devices that signed in to the account before. */
interface PasswordClient {
  readonly id: string;
  readonly isKnown: boolean;
}

/** Hashes passwords, in turn by client; strangers keep nobody waiting who is known. Rejects with `unavailable` when too many wait. */
export interface PasswordHasher {
  hash(client: PasswordClient, password: string): Promise<string>;
  /** Null in place of a hash takes as long as any, and is never right. */
  isRight(client: PasswordClient, kept: string | null, password: string): Promise<boolean>;
}

/** An account that has a password. */
interface WithPassword {
  readonly account: Account;
  readonly hash: string;
}

/** Where the hashes are kept. */
export interface PasswordStore {
  /** Keeps it in place of the one before; the account's address. */
  set(
    actor: AccountActor,
    hash: string,
    nowMs: number,
  ): Promise<{ readonly address: string } | 'credential_gone' | 'no_address'>;
  /** Removes it where there is one, unless nothing else lets the account in. */
  remove(actor: AccountActor, ways: WaysIn): Promise<'removed' | 'credential_gone' | 'last_way'>;
  /** When it was set; null: there is none. */
  findChangedAt(accountId: AccountId): Promise<number | null>;
  /**
   * Null: the address has no account, or that no password. `isKnownDevice`: somebody signed in to it from this origin before (as
   * `originText` says it); asked in the same statement, so that it takes as long for an address without an account.
   */
  find(address: string, origin: string): Promise<(WithPassword & { readonly isKnownDevice: boolean }) | null>;
  /** Keeps the sign-in; null: the account has another password meanwhile. */
  enter(entering: WithPassword, token: StoredToken, tokensMax: number): Promise<AddedSession | null>;
}
