import type { TenantId, UserId } from '../../kernel/ids.ts';
import type {
  AccountOwner,
  Balance,
  LedgerCommand,
  LedgerOutcome,
  OpenHold,
  StatementPage,
  TrialBalance,
} from './types.ts';

/** Where the books are kept. */
export interface LedgerStore {
  /**
   * Carries out `commands` in order in one transaction and returns their outcomes after the commit. Rejects when the
   * transaction failed, or when its outcome was not heard of: the same commands may then be given again.
   */
  apply(commands: readonly LedgerCommand[], nowMs: number): Promise<readonly LedgerOutcome[]>;
  readBalance(owner: AccountOwner): Promise<Balance>;
  readStatement(owner: AccountOwner, before: bigint | null, limit: number): Promise<StatementPage>;
  readTrialBalance(): Promise<TrialBalance>;
  /** Open holds whose time was over at `nowMs`, oldest first. */
  findExpiredHolds(nowMs: number, limit: number): Promise<readonly OpenHold[]>;
}

/** Who a user is, as far as money needs it. */
export interface UserDirectory {
  /** The tenant of a user that exists; null for one that doesn't. */
  findTenantOfUser(userId: UserId): Promise<TenantId | null>;
}
