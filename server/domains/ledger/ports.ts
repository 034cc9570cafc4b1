import type { Actor } from '../../kernel/actor.ts';
import type { AccountId, LedgerAccountId, TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type {
  Allowance,
  Balance,
  LedgerOwner,
  OpenHold,
  StatementCursor,
  StatementPage,
  TrialBalance,
  UnitOfWork,
  UnitOutcome,
  VerificationRound,
} from './types.ts';

/** Where the books are kept. */
export interface LedgerStore {
  /**
   * Carries out `units` in order in one transaction, with the rows of those that are carried out, and returns their
   * outcomes after the commit. Rejects when the transaction failed, or when its commit was not confirmed: the same units
   * may then be given again.
   */
  apply(units: readonly UnitOfWork[], nowMs: number): Promise<readonly UnitOutcome[]>;
  readBalance(actor: Actor): Promise<Balance>;
  /** What a tenant can pay requests with, by balance and allowances; read by the server itself. */
  readSpendable(owner: LedgerOwner): Promise<Microcents>;
  readStatement(actor: Actor, before: StatementCursor | null, limit: number): Promise<StatementPage>;
  readTrialBalance(): Promise<TrialBalance>;
  /** Open holds whose time was over at `nowMs`, oldest first. */
  findExpiredHolds(nowMs: number, limit: number): Promise<readonly OpenHold[]>;
  /** Tenants with earnings whose release time was over at `nowMs`, the longest waiting first. */
  findDueEarners(nowMs: number, limit: number): Promise<readonly LedgerOwner[]>;
  /** Tenants of whose allowances something is left that have ended at `nowMs`. */
  findEndedAllowances(nowMs: number, limit: number): Promise<readonly LedgerOwner[]>;
  /** The actor's tenant's allowances, the last to end first. */
  readAllowances(actor: Actor, nowMs: number): Promise<readonly Allowance[]>;
  /** Verifies the accounts behind `after`, from where they were verified before; see `VerificationRound`. */
  verify(after: LedgerAccountId | null): Promise<VerificationRound>;
}

/** Whose money an account's is. */
export interface TenantDirectory {
  /** The tenant that an account owns; null for an account that doesn't exist. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
}
