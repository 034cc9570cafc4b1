/**
 * What a request may be beside its body. Size and number of headers are the library's own limits: about 16 KB of
 * request line and headers (431 beyond), 100 headers (the connection is closed beyond).
 */

/** How long `close` waits for running requests, in milliseconds: a streamed answer may need a moment to end. */
export const CLOSE_GRACE_MS = 10_000;
/** The longest path that is looked up, in bytes: longer ones are nobody's. */
export const PATH_BYTES_MAX = 2_048;
