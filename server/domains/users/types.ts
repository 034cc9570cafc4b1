import type { AccountId, TenantId } from '../../kernel/ids.ts';

export interface User {
  readonly id: AccountId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly operator: boolean;
  readonly createdAt: Date;
}

/** A user that was just created, with the only copy of its token. */
export interface NewUser {
  readonly user: User;
  readonly token: string;
}

export interface UserPage {
  readonly items: readonly User[];
  /** Pass it as `after` for the next page; null: there is none. */
  readonly next: AccountId | null;
}
