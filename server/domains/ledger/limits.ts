/** Largest amount of one transfer, in cents (100 million euro): far below 2^53, so that a slip is caught. */
export const TRANSFER_CENTS_MAX = 10_000_000_000n;
/** Bounds of the writer in use. */
export const LEDGER_WRITER_LIMITS = {
  /** Commands that may wait. More means the database is slower than the load: refused, not piled up. */
  queuedCommandsMax: 10_000,
  /** Commands of one transaction: beyond this a batch gains little and everyone in it waits longer. */
  batchCommandsMax: 250,
  /** Tries of one batch whose transaction failed or whose commit was not heard of. */
  batchAttemptsMax: 3,
  /** First pause between tries in milliseconds; it doubles, with jitter. */
  retryDelayMs: 50,
} as const;
/** Longest life of a hold in milliseconds (one day). */
export const HOLD_LIFE_MS_MAX = 86_400_000;
/** Accounts remembered as existing, so that a batch need not create them. Forgotten all at once when full. */
export const KNOWN_ACCOUNTS_MAX = 200_000;
/** Holds that one round of the expiry job resolves at most per batch. */
export const EXPIRED_HOLDS_PER_ROUND = 1_000;
/** Lines of one statement page. */
export const STATEMENT_ENTRIES_MAX = 100;
