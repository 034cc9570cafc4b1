/**
 * What a request may be beside its body, and what the library's parser decides before this server sees anything. Its
 * binaries differ: those for Node 22 and 24 are newer than the one for Node 20, which is the only one that loads where
 * glibc is older than 2.38. Tried with raw sockets on each (`tests/integration/http/framing.test.ts`).
 *
 * | sent | Node 20 | Node 22 and 24 |
 * |---|---|---|
 * | any version but HTTP/1.1 | 505, closed | the same |
 * | no Host, a bare CR or LF, a folded line, NUL or another control character, a space in or after a name | not served and not answered; closed after 10 s (no Host beside another header: 400, closed) | 400, closed |
 * | a request line in two segments | 505, closed (split in the method: served) | served |
 * | empty lines before a request | 505, closed | not served |
 * | request line and headers | what one read of the socket brings, then `HEADERS_BYTES_MAX` | 4 KB, 431 |
 * | headers | fewer than 99, closed after 10 s | fewer than 99, 431 |
 * | a header without a name (`: x`) | it and what follows it are not seen, lengths included | the same |
 * | a chunk with an extension; trailers | waits for a body that doesn't end; 505 after the answer | the same |
 * | a request before the answer to the one before it (pipelining) | closed, neither is answered | the same |
 *
 * The library's own answers (400, 431, 505) are HTML that names it; ours don't. A head must be complete within 10 s, and
 * a connection without a request is closed as long after its last one.
 */

/** The most that names and values of a request's headers may take, in bytes: a token, and what browsers add. */
export const HEADERS_BYTES_MAX = 8_192;
/** How long `close` waits for running requests, in milliseconds: a streamed answer may need a moment to end. */
export const CLOSE_GRACE_MS = 10_000;
/** The longest path that is looked up, in bytes: longer ones are nobody's. */
export const PATH_BYTES_MAX = 2_048;
/** Bytes of all bodies that are arriving: one tenant has half of them at most, four of the largest. */
export const ARRIVING_BODY_BYTES_MAX = 64 * 1_024 * 1_024;
/** The same for operations that nobody need be known for, whose bodies are small: one address has half of them at most. */
export const ANONYMOUS_BODY_BYTES_MAX = 4 * 1_024 * 1_024;
/** Bodies from this size on are read in turn by sender: a smaller one is read in half a millisecond. */
export const LARGE_BODY_BYTES = 65_536;
/** The pause after a large body was read, by the time that took: large bodies get a third of the event loop at most. */
export const LARGE_BODIES_PAUSE = 2;
/** The slowest that a body may arrive, in bytes per second: a microcontroller behind a poor radio link is faster. */
export const BODY_BYTES_PER_SECOND_MIN = 1_024;
/** How long a body may arrive more slowly than that before it is cut off, in milliseconds. */
export const BODY_GRACE_MS = 10_000;
/** Requests that are begun in one turn of the event loop: some milliseconds. More wait, in turn by address; */
export const REQUESTS_PER_TURN = 32;
/** so many of them. Whatever else comes is begun at once: no more can be under way than there are connections. */
export const WAITING_REQUESTS_MAX = 10_000;
/** When a client who has too many requests under way may try again, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

/** For how long a browser may remember what it was allowed, in seconds: what Chromium takes at most. */
export const PREFLIGHT_MAX_AGE_SECONDS = 7_200;

/** Names of headers that a page may ask for, in bytes. */
export const REQUESTED_HEADERS_BYTES_MAX = 1_024;
