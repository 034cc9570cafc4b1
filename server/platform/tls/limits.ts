/** How often the files are read to see whether they changed, in milliseconds. */
export const FILES_INTERVAL_MS = 2_000;
/** So long before it expires the log warns of it, in milliseconds. */
export const EXPIRY_WARNING_MS = 14 * 86_400_000;
/** How often it warns, in milliseconds. */
export const EXPIRY_WARNING_INTERVAL_MS = 86_400_000;
/** How often it is looked whether a certificate of an authority is due, in milliseconds. */
export const ORDER_INTERVAL_MS = 60_000;
/** How long an order that failed waits for the next one, in milliseconds; twice as long each time. */
export const ORDER_WAIT_MS = 2 * 60_000;
/** The longest such wait. Let's Encrypt locks out after five failures in an hour. */
export const ORDER_WAIT_MAX_MS = 60 * 60_000;
/** How long one answer of the authority may take, in milliseconds. */
export const AUTHORITY_TIMEOUT_MS = 30_000;
/** Connections at the same time in clear text, for the authority and for who has to be sent to TLS. */
export const CHALLENGE_CONNECTIONS_MAX = 100;
/** How long a request there may take to arrive, in milliseconds. */
export const CHALLENGE_REQUEST_MS = 5_000;
