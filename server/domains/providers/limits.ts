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
/** Requests that may wait for a slot of one model; when the room is full, the tenant that waits most often makes room. */
export const MODEL_WAITERS_MAX = 1_000;
/** Tenants, and members, whose tokens are remembered while somebody waits; those that don't wait are forgotten when it's more. */
export const TURNS_REMEMBERED = 10_000;

/** Failures in a row that put a provider aside; what a requester may have caused counts only where several accounts saw it. */
export const CONSECUTIVE_FAILURES_MAX = 3;
/** Accounts that must have seen failures which a requester can cause, before they put a provider aside. */
export const FAILED_ACCOUNTS_MIN = 2;
/** Success rate below which a provider is put aside, once it is known: above, it loses share by degrees. */
export const SUCCESS_RATE_MIN = 0.5;
/** Weight of the newest request in the success rate. */
export const SUCCESS_RATE_STEP = 0.1;
/** Requests after which the success rate means something. */
export const SUCCESS_RATE_SAMPLES_MIN = 5;
/** First pause of a provider put aside; it doubles with each failed probe, with jitter. */
export const PAUSE_MS_FIRST = 5_000;
/** Longest pause, so that with its jitter one that has recovered has work within a minute. */
export const PAUSE_MS_MAX = 36_000;
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
/** Tokens of the prompt for which latencies are compared. */
export const REFERENCE_PROMPT_TOKENS = 200;
/** Milliseconds of prefill for a token that are nothing to wonder about: what slow home machines need. */
export const PREFILL_MS_PER_TOKEN_ALLOWED = 4;
/** Latency in milliseconds that is assumed where nobody has shown one. */
export const LATENCY_MS_DEFAULT = 2_000;
/** Milliseconds for a token that are assumed where nobody has shown any. */
export const TOKEN_MS_DEFAULT = 40;
/** Milliseconds after which half of a provider's token debt is forgotten. */
export const DEBT_HALF_LIFE_MS = 60_000;
/** Slots that are believed of what a provider says, until it has shown more, or fewer. */
export const SLOTS_BELIEVED = 4;
/** A first token this many times later than when a provider has one request alone says that requests wait in it. */
export const CROWDED_MAX = 2.5;
/** What is left of the slots of a provider in which requests wait. */
export const SLOTS_SHRINK = 0.7;
/** Slots that it gains then with each request that began in time: one too many would let a request wait each time. */
export const SLOTS_GROWTH = 0.1;
/** Power of the success rate in the share: a request that fails costs its requester twice the time. */
export const RELIABILITY_POWER = 4;
/** Times the median price of a model that nobody is asked at, unless a request says what it would pay. */
export const PRICE_GUARD_DEFAULT = 5;
/** A provider that was given nothing for so long is new again, in milliseconds. */
export const UNEXPLORED_AFTER_MS = 60_000;
/** Between two requests for providers that are new or have come back there are so many others, */
export const EXPLORED_EVERY = 10;
/** unless one of them has waited this long, in milliseconds. */
export const EXPLORED_AFTER_MS = 30_000;
/** Bytes of a request from which on its beginning is worth looking for in a prompt cache: some 500 tokens. */
export const CACHEABLE_BYTES_MIN = 2_048;
/** Bytes of the beginning by which a conversation is known again. */
export const CACHE_PREFIX_BYTES = 1_024;
/** Conversations that are remembered, and who served each. */
export const CACHED_CONVERSATIONS_MAX = 20_000;
/** Who has the prompt in its cache is preferred while its score is this share of the best one's at least, */
export const CACHE_SCORE_MIN = 0.75;
/** and it was given no more than this many times what the next one was, for its share. */
export const CACHE_DEBT_MAX = 2;
/** A model whose endpoint has no room is asked for again after this time at the latest, whatever it says. */
export const REST_MS_MAX = 60_000;
/** Milliseconds for which what changes by time alone (silence, a pause that is over) is not looked at again. */
export const RESTLESS_EVERY_MS = 500;
/** Claimed tokens per counted one from which a provider's claims are logged as outliers, after enough of them. */
export const CLAIM_RATIO_MAX = 1.5;
export const CLAIM_TOKENS_MIN = 10_000;
/** Mean part of the text of its answers that is padding, from which on a provider is an outlier, after enough of them. */
export const PADDED_SHARE_MAX = 0.1;
export const PADDED_ANSWERS_MIN = 10;
/** Requests whose choices are remembered, so that their requesters can ask why. */
export const CHOICES_REMEMBERED = 5_000;
/** Choices of one request: as many as it has attempts, and some that money didn't reach for. */
export const REQUEST_CHOICES_MAX = 8;
/** Candidates of a choice that are remembered. */
export const EXPLAINED_CANDIDATES_MAX = 5;
/** Milliseconds without a request for a model after which there is no demand for it. */
export const DEMAND_WINDOW_MS = 600_000;
/** What an owner is told that his provider falls short of. */
export const GOOD_SUCCESS_RATE_MIN = 0.9;
export const GOOD_QUALITY_MIN = 0.7;
/** Times the median latency from which on a provider is told that it is slow. */
export const SLOW_RATIO_MIN = 1.5;
/** Seconds a requester is told to wait when nobody can serve. */
export const RETRY_AFTER_SECONDS = 5;
/** Milliseconds that a provider stays away when it falls short of its owner's own limits: then it may show that it is better. */
export const OWN_LIMIT_ASIDE_MS = 600_000;
/** Milliseconds that a test request may take, and the message to the program before it. */
export const TEST_TIMEOUT_MS = 60_000;
export const TEST_ECHO_TIMEOUT_MS = 5_000;
/** Tokens of the answer to a test. */
export const TEST_TOKENS_MAX = 64;

/** Characters that a token has, about: for figures of the present, which nobody pays by. */
export const CHARACTERS_PER_TOKEN = 4;
/** Milliseconds between the figures of the present. */
export const LIVE_INTERVAL_MS = 1_000;
/** Models whose prices figures of the present have, those of most providers first. */
export const LIVE_MODELS_MAX = 200;
/** Who reads the figures of the present at the same time, and figures that wait for one of them. */
export const LIVE_FOLLOW_LIMITS = { perAccountMax: 4, perTenantMax: 16, max: 500, waitingMax: 30 };
