import type { Microcents } from '../../kernel/money.ts';

/** Largest amount of one transfer (100 million euro): far below what a balance holds, so that a slip is caught. */
export const TRANSFER_MICROCENTS_MAX: Microcents = 10_000_000_000_000_000n;
/** Payees of one transfer. A request is served by a handful of providers; more is a slip. */
export const PAYEES_MAX = 32;
/**
 * Accounts that the platform's fees are spread over. Each writer has one of them, so that the writers of different nodes
 * don't queue for one row.
 */
export const FEE_SHARDS = 16;
/** Bounds of the writer in use. */
export const LEDGER_WRITER_LIMITS = {
  /**
   * Units that may wait. More means the database is slower than the load: refused, not piled up. One tenant has at most half
   * of it, see FairQueue.
   */
  queuedUnitsMax: 20_000,
  /** Commands and rows of one transaction: beyond this a batch gains little and everyone in it waits longer. */
  batchItemsMax: 1_000,
  /** Commands and rows of one unit, so that each fits into a batch. */
  unitItemsMax: 64,
  /** Tries of one batch whose transaction failed or whose commit was not confirmed. */
  batchAttemptsMax: 3,
  /** First pause between tries in milliseconds; it doubles, with jitter. */
  retryDelayMs: 50,
} as const;
/** Longest life of a hold in milliseconds (one day). */
export const HOLD_LIFE_MS_MAX = 86_400_000;
/** Accounts remembered as existing, so that a batch need not create them. Forgotten all at once when full. */
export const KNOWN_ACCOUNTS_MAX = 200_000;
/** Tenants whose account ids are remembered, some 1 KB each. Forgotten all at once when full. */
export const KNOWN_TENANTS_MAX = 10_000;
/** Holds whose owners are remembered until they are resolved, some 200 bytes each. Forgotten all at once when full. */
export const KNOWN_HOLDERS_MAX = 50_000;
/** Holds that one round of the expiry job reads, and resolves, at a time. */
export const EXPIRED_HOLDS_PAGE = 1_000;
/** Tenants whose earnings one round of the release job reads, and releases, at a time. */
export const RELEASED_TENANTS_PAGE = 1_000;
/** Waiting earnings that one release takes: the oldest. The next round takes the rest. */
export const RELEASED_EARNINGS_MAX = 10_000;
/** Lines of one statement page. */
export const STATEMENT_ENTRIES_MAX = 100;
/** Accounts that one round of verification compares. */
export const VERIFIED_ACCOUNTS_PAGE = 1_000;
/** New entries of one account that one round of verification sums: a long history is verified over several rounds. */
export const VERIFIED_ENTRIES_MAX = 50_000;
/** Allowances that are shown of a tenant, those that end last first. */
export const ALLOWANCES_SHOWN_MAX = 100;
/** Tenants whose allowances one round of the job ends at a time. */
export const ENDED_ALLOWANCES_PAGE = 1_000;
/** Tokens of one allowance. */
export const ALLOWANCE_TOKENS_MAX = 1_000_000_000_000n;
/** Longest life of an allowance in milliseconds (two years). */
export const ALLOWANCE_LIFE_MS_MAX = 730 * 86_400_000;
