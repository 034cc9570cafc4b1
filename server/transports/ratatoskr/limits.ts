/** Time a connection has until it is open, in milliseconds. */
export const OPENING_TIMEOUT_MS = 10_000;
/** Connections that have not said who they are yet: each has cost some X25519. */
export const OPENING_MAX = 1_024;
/** The same from one address. */
export const OPENING_PER_ADDRESS_MAX = 64;
/** Sessions of one address that were begun in a minute and not opened: for the next one its client has to solve a puzzle. */
export const PUZZLE_FROM = 64;
/** The same of all addresses together: from then on only the first of each address needs none. */
export const PUZZLE_FROM_ALL = 1_024;
/**
 * The bits of a puzzle: 16,384 hashes on average. With a processor's own instructions for SHA-256 that is more work than agreeing on keys, and
 * in JavaScript it takes some hundredths of a second.
 */
export const PUZZLE_BITS = 14;
/** Addresses whose sessions are counted for that. */
export const COUNTED_ADDRESSES_MAX = 50_000;
/** Requests of a session that run at the same time, streamed answers that go on included. */
export const REQUESTS_MAX = 64;
/** How far from the server's time a request may have been sent, in milliseconds, before or after. */
export const CLOCK_WINDOW_MS = 300_000;
/** Bytes of input that a session may have on their way: the largest request, and as much again. */
export const INPUT_BYTES_MAX = 16_777_216 + 131_072;
/** Input from this size on is read in turn by tenant: a smaller one is read in half a millisecond. */
export const LARGE_INPUT_BYTES = 65_536;
/** Bytes of an answer that go out before the client gives credit for more. */
export const STREAM_WINDOW_BYTES = 262_144;
/** The most credit that one answer may have. */
export const STREAM_CREDIT_BYTES_MAX = 16_777_216;
/** Unsent bytes a slow client may have: the windows of some answers. */
export const BACKPRESSURE_BYTES_MAX = 8_388_608;
/** Time in which the client gives credit for the next piece of an answer, in milliseconds: 4 KiB a second at least. */
export const CREDIT_TIMEOUT_MS = 30_000;
/** Bytes of COMPUTE_BODYs on their way to one provider: far below what a socket may have unsent. */
export const BODY_WINDOW_BYTES = 1_048_576;
/** Questions whether a provider answers that wait in its session: it may never answer them, so the oldest is forgotten. */
export const ECHOES_MAX = 8;
/** Levels of objects and lists in a piece of an answer: nobody's answers are deeper, and deeper ones could exhaust the stack. */
export const DELTA_DEPTH_MAX = 32;
/** Objects, lists and names that any piece of an answer may have: a few tool calls. */
export const DELTA_PARTS_FREE = 16;
/** Bytes of a piece for each further one of them: an object takes 56 bytes in memory and three on the line. */
export const BYTES_PER_PART_MIN = 8;
/** Bytes of a piece of an answer, of however many messages: what can't be cut, as a picture is. */
export const DELTA_BYTES_MAX = 262_144;
/** Registrations of a device that may be without an answer: each is written to the database. */
export const REGISTRATIONS_MAX = 8;
/** Wrong signatures of a device in one session, in a row or not: each is as much work as a hundred other messages. */
export const WRONG_SIGNATURES_MAX = 8;
/** Characters of what an endpoint says about a failure. */
export const REASON_CHARACTERS_MAX = 500;
