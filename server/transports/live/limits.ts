/** Bytes of a message of a client: an operation with its params and query. */
export const MESSAGE_BYTES_MAX = 16_384;
/** Streams that one connection follows at the same time: what a page shows, several times over. */
export const FOLLOWED_MAX = 32;
/** Time in which a connection may follow nothing, in milliseconds: somebody goes from one view to the next. */
export const IDLE_TIMEOUT_MS = 30_000;
/** A connection that answers no ping for so long is dead, in seconds. */
export const SILENCE_SECONDS_MAX = 60;
/** Unsent bytes a slow client may have: each stream waits once it has some, so this is reached by large events alone. */
export const BACKPRESSURE_BYTES_MAX = 1_048_576;
