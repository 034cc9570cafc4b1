/** Without a byte from the endpoint for this long, unless the server names a time of its own. */
export const STALL_TIMEOUT_MS = 30_000;
/** An endpoint that said why it ended may take this long for its count, and for saying that it has ended. */
export const FINISHED_MS = 2_000;
/** Bytes of an endpoint's list of models. */
export const MODELS_BYTES_MAX = 4_194_304;
/** Levels of objects and lists in a piece of an answer: the server takes no more. */
export const DELTA_LEVELS_MAX = 32;
/** The endpoint may take this long to answer whether it is there at all. */
export const CHECK_TIMEOUT_MS = 5_000;
/** Between two looks at an endpoint that refuses this provider. */
export const RECHECK_MS = 30_000;
/** Between two signs of life: several fit into the shortest time after which a server gives up. */
export const ALIVE_INTERVAL_MS = 5_000;
/** One line of an event stream; more is not a completion. */
export const SSE_LINE_CHARACTERS_MAX = 1_048_576;
/** Bytes of the JSON of one piece of an answer, where it can be cut: one message holds it. */
export const DELTA_PIECE_BYTES = 49_152;
/** Characters of text that are joined to one piece: escaped as JSON they need not be cut again. */
export const JOINED_CHARACTERS_MAX = 4_096;
/** Bytes of what can't be cut, which takes several messages: the server takes no more. */
export const DELTA_BYTES_MAX = 262_144;
/** Bytes that the server counts for every piece beside its own. */
export const DELTA_OVERHEAD_BYTES = 128;
/** Bytes of a request's body: what a server may send, twice over. */
export const REQUEST_BODY_BYTES_MAX = 16_777_216;
/** An answer larger than this is not one: more than any context window holds. */
export const ANSWER_BYTES_MAX = 33_554_432;
/** Bytes that are read of what an endpoint says about an error. */
export const ERROR_BODY_BYTES_MAX = 16_384;
/** Characters of it that are told. */
export const REASON_CHARACTERS_MAX = 300;
/** An endpoint without room is left alone for so long at most, whatever it says. */
export const RETRY_AFTER_SECONDS_MAX = 3_600;
/** Characters of the reason for which an answer ended. */
export const FINISH_REASON_CHARACTERS_MAX = 64;
/** What the server doesn't take in it. */
export const NOT_IN_FINISH_REASON = /[^\p{L}\p{N}\p{P}\p{S} ]+/gu;
/** How long running requests may go on after the provider was told to stop. */
export const DRAIN_MS = 5_000;
/** An offer that the server couldn't take just now is made again after this time. */
export const OFFER_RETRY_MS = 2_000;
/** Tokens of prompt and answer together, where neither its owner nor the endpoint says them: what Ollama and others take. */
export const CONTEXT_TOKENS_DEFAULT = 8_192;
/** After a request ended the server has booked it within this time. */
export const EARNINGS_DELAY_MS = 1_000;
