/** A first start creates the database; slow disks need a while. */
export const SERVER_READY_TIMEOUT_MS = 90_000;
/** Between two looks whether the server is ready. */
export const READY_POLL_MS = 100;
/** A program that was told to stop may take this long before it is killed. */
export const STOP_TIMEOUT_MS = 15_000;
/** For one step of a journey. */
export const STEP_TIMEOUT_MS = 20_000;
/** For one HTTP request. */
export const REQUEST_TIMEOUT_MS = 20_000;
/** After a program ended, its last output may take this long to arrive. */
export const LAST_WORDS_MS = 500;
/** Lines of a program's output that are kept for an error message. */
export const OUTPUT_LINES_MAX = 30;

/** Readings that the story waits for, and the time between two of them. */
export const READINGS = 5;
export const READING_INTERVAL_MS = 300;
/** High enough that short answers cost whole cents. */
export const PRICE_CENTS = 250;
export const CONTEXT_TOKENS = 8192;
export const SLOTS = 2;
/** What the household's balance gets in every run. */
export const TOP_UP_CENTS = 1_000;
