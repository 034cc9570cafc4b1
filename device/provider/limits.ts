/** Without a byte from the endpoint for this long, unless the server names a time of its own. */
export const STALL_TIMEOUT_MS = 30_000;
/** The endpoint may take this long to list its models at the start. */
export const PROBE_TIMEOUT_MS = 5_000;
/** One line of an event stream; more is not a completion. */
export const SSE_LINE_CHARACTERS_MAX = 1_048_576;
/** Text of one COMPUTE_CHUNK: fits a frame even if every character takes three bytes. */
export const CHUNK_CHARACTERS_MAX = 65_536;
/** How long running requests may go on after the provider was told to stop. */
export const DRAIN_MS = 5_000;
/** An offer that the server couldn't take just now is made again after this time. */
export const OFFER_RETRY_MS = 2_000;
/** An answer longer than this is not one: more than any context window holds. */
export const ANSWER_CHARACTERS_MAX = 16_777_216;
