import type { AccountId, TenantId } from '../../kernel/ids.ts';

/** A person. */
export interface Account {
  readonly id: AccountId;
  /** The tenant that was made with it and that it owns. */
  readonly homeTenantId: TenantId;
  readonly name: string;
  /** Runs the platform. */
  readonly operator: boolean;
  readonly createdAtMs: number;
}

/** An account that was just created, with the only copy of its token. */
export interface NewAccount {
  readonly account: Account;
  readonly token: string;
}
