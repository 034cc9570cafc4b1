/** How often the files are read to see whether they changed, in milliseconds. */
export const FILES_INTERVAL_MS = 2_000;
/** So long before it expires the log warns of it, in milliseconds. */
export const EXPIRY_WARNING_MS = 14 * 86_400_000;
/** How often it warns, in milliseconds. */
export const EXPIRY_WARNING_INTERVAL_MS = 86_400_000;
