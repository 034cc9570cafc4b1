import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type {
  Balance,
  LedgerCommand,
  LedgerOutcome,
  LedgerOwner,
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
  readBalance(owner: LedgerOwner): Promise<Balance>;
  readStatement(owner: LedgerOwner, before: bigint | null, limit: number): Promise<StatementPage>;
  readTrialBalance(): Promise<TrialBalance>;
  /** Open holds whose time was over at `nowMs`, oldest first. */
  findExpiredHolds(nowMs: number, limit: number): Promise<readonly OpenHold[]>;
}

/** Whose money an account's is. */
export interface TenantDirectory {
  /** The tenant that an account owns; null for an account that doesn't exist. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
}
