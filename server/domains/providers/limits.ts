/** Models of one offer. */
export const OFFERED_MODELS_MAX = 100;
/** What one tenant may have in the lists that everybody reads: providers, */
export const TENANT_PROVIDERS_MAX = 200;
/** models of all of them, each counted for each that serves it, */
export const TENANT_OFFERED_MODELS_MAX = 1_000;
/** and names of models. */
export const TENANT_MODEL_NAMES_MAX = 100;
/** A model's name as requesters write it, up to 128 characters. */
export const MODEL_NAME = /^[A-Za-z0-9._:/-]{1,128}$/;
/** What requesters put behind a name to ask for the cheapest, or the fastest provider. */
export const RESERVED_SUFFIX = /:(floor|nitro)$/;
/** Names of features, and of fields, that a model's offer may have. */
export const CAPABILITIES_MAX = 64;
/** How features are named, and fields of a request's body. */
export const CAPABILITY_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** How requesters ask for whatever model can do what they need. */
export const ANY_MODEL = 'auto';
/** Tokens of prompt and answer together. */
export const CONTEXT_TOKENS_MAX = 10_000_000;
/** Requests one provider serves at the same time. */
export const SLOTS_MAX = 1_000;
/**
 * The reason for which an answer ended: a word of the endpoint's. It is kept with the transaction, and the database takes no
 * NUL and no half characters.
 */
export const FINISH_REASON = /^[\p{L}\p{N}\p{P}\p{S} ]{1,64}$/u;
/** Tokens of an answer that are expected of a provider until the true number is known. */
export const EXPECTED_COMPLETION_TOKENS = 200;
/** Characters of answer taken for each token asked for: the longest token of the tokenizer has 128 of them. */
export const CHARACTERS_PER_TOKEN_MAX = 128;
/**
 * Characters of any answer: twice what a million tokens of prose have. It is in memory until it is settled, two or three
 * times over, and kept for a day under an idempotency key.
 */
export const ANSWER_CHARACTERS_MAX = 8 * 1_024 * 1_024;
/** Characters of all vectors of an answer, in base64: 2,048 of 3,072 numbers each. */
export const EMBEDDINGS_CHARACTERS_MAX = 34 * 1_024 * 1_024;
/** Bytes of one piece of an answer: what one message of any protocol may hold. */
export const DELTA_BYTES_MAX = 262_144;
/** Bytes that every piece counts against the credit beside its own: what it takes in memory while it waits for its reader. */
export const DELTA_OVERHEAD_BYTES = 128;
/** Bytes that a provider may be ahead of the reader: two pieces, so that the next is on its way while one is read. */
export const CREDIT_BYTES = 2 * DELTA_BYTES_MAX;
/** Milliseconds without text for which signs of life hold off the clock of silence: a large model takes minutes to load. */
export const LIFE_WITHOUT_TEXT_MS_MAX = 300_000;
/** Bytes of pieces without text before the first text: they wait for it, because until then another provider may try. */
export const TEXTLESS_BYTES_MAX = 131_072;
/** Requests of one provider that ended a moment ago and whose late messages are ignored, until it leaves. */
export const ENDED_REQUESTS_REMEMBERED = 1_000;
/** Standings of providers that left, kept so that a reconnect doesn't wash off a failure. */
export const STANDINGS_REMEMBERED = 10_000;
/** Requests that may wait for a slot of one model: each holds its body while it waits. */
export const MODEL_WAITERS_MAX = 1_000;
/** Requests of one account that may wait: nobody fills the room, and who waits has not shown yet that it can pay. */
export const ACCOUNT_WAITERS_MAX = 20;

/** Failures in a row that put a provider aside. */
export const CONSECUTIVE_FAILURES_MAX = 3;
/** Success rate below which a provider is put aside, once it is known. */
export const SUCCESS_RATE_MIN = 0.7;
/** Weight of the newest request in the success rate. */
export const SUCCESS_RATE_STEP = 0.1;
/** Requests after which the success rate means something. */
export const SUCCESS_RATE_SAMPLES_MIN = 5;
/** First pause of a provider put aside; it doubles with each failed probe, with jitter. */
export const PAUSE_MS_FIRST = 5_000;
/** Longest pause. */
export const PAUSE_MS_MAX = 300_000;
/** A provider this many times slower than it used to be is put aside. */
export const SLOWDOWN_MAX = 3;
/** A usual latency below this counts as this, in milliseconds: a hiccup of a very fast provider is no slowdown. */
export const NOTICEABLE_LATENCY_MS = 500;
/** Weight of the newest observation in a provider's present pace. */
export const PACE_STEP = 0.25;
/** Weight of the newest request in the pace a provider is used to. */
export const USUAL_PACE_STEP = 0.02;
/** Tokens for which the pace is weighed: latency = time to the first token + this many further ones. */
export const PACE_TOKENS = 50;
/** Latency in milliseconds that is assumed where nobody has shown one. */
export const LATENCY_MS_DEFAULT = 2_000;
/** Milliseconds after which half of a provider's token debt is forgotten. */
export const DEBT_HALF_LIFE_MS = 60_000;
/** Of two providers drawn, the better one gets the request unless it was given this many times what the other was. */
export const DEBT_RATIO_MAX = 1.3;
/** Claimed tokens per counted one from which a provider's claims are logged as outliers, after enough of them. */
export const CLAIM_RATIO_MAX = 1.5;
export const CLAIM_TOKENS_MIN = 10_000;
/** Seconds a requester is told to wait when nobody can serve. */
export const RETRY_AFTER_SECONDS = 5;
