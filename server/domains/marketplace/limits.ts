/** Models of one offer. */
export const OFFERED_MODELS_MAX = 100;
/** A model's name as requesters write it, up to 128 characters. */
export const MODEL_NAME = /^[A-Za-z0-9._:/-]{1,128}$/;
/** Cents for 1000 tokens. */
export const PRICE_CENTS_MAX = 1_000_000;
/** Tokens of prompt and answer together. */
export const CONTEXT_TOKENS_MAX = 10_000_000;
/** Requests one provider serves at the same time. */
export const SLOTS_MAX = 1_000;
/** Bytes of a request's body: with its envelope it must fit one frame of 262,144 bytes. */
export const REQUEST_BODY_BYTES_MAX = 261_000;
/** Tokens of an answer whose length the requester didn't limit. */
export const COMPLETION_TOKENS_DEFAULT = 1_024;
/** Tokens a requester may ask for. */
export const COMPLETION_TOKENS_MAX = 1_000_000;
/** Tokens of an answer that are expected of a provider until the true number is known. */
export const EXPECTED_COMPLETION_TOKENS = 200;
/** Characters of answer taken for each token asked for: the longest token of the tokenizer has 128 of them. */
export const CHARACTERS_PER_TOKEN_MAX = 128;
/**
 * Characters of any answer: twice what a million tokens of prose have. It is in memory until it is settled, two or three
 * times over, and kept for a day under an idempotency key.
 */
export const ANSWER_CHARACTERS_MAX = 8 * 1_024 * 1_024;
/** Providers that one request is given to before it fails. */
export const ATTEMPTS_MAX = 3;
/** Requests of one provider that ended a moment ago and whose late frames are ignored. */
export const ENDED_REQUESTS_REMEMBERED = 1_000;
/** Interrupted transactions that recovery reads at a time. */
export const INTERRUPTED_PAGE = 1_000;
/** Transactions of one page. */
export const TRANSACTIONS_PAGE_MAX = 100;
/** Standings of providers that left, kept so that a reconnect doesn't wash off a failure. */
export const STANDINGS_REMEMBERED = 10_000;
/** Requests that may wait for a slot of one model: each holds its body, up to 256 KiB, while it waits. */
export const MODEL_WAITERS_MAX = 1_000;
/** Requests of one user that may wait: nobody fills the room, and who waits has not shown yet that it can pay. */
export const USER_WAITERS_MAX = 20;

/** Times that a configuration may change; milliseconds. */
export interface MarketplaceTimes {
  /** From the request to the first piece of text; then the next provider gets it. */
  readonly firstTokenTimeoutMs: number;
  /** Between two pieces of text. */
  readonly stallTimeoutMs: number;
  /** From the request to the end of the answer, whoever gives it. */
  readonly requestTimeoutMs: number;
  /** How long a request waits for a slot when every provider is busy. */
  readonly slotWaitMs: number;
  /** Life of a hold: longer than everything above together, so that a settlement always finds it. */
  readonly holdLifeMs: number;
  /** Age from which a settlement that was decided but not carried out is taken up by whoever sees it. */
  readonly settlementGraceMs: number;
}

/** The times in use unless configured otherwise. */
export const MARKETPLACE_TIMES: MarketplaceTimes = {
  firstTokenTimeoutMs: 30_000,
  stallTimeoutMs: 15_000,
  requestTimeoutMs: 600_000,
  slotWaitMs: 10_000,
  holdLifeMs: 1_200_000,
  settlementGraceMs: 30_000,
};

/** Seconds a requester is told to wait when nobody can serve, or when its request is at work already. */
export const RETRY_AFTER_SECONDS = 5;
/** Milliseconds for which an answer is kept for whoever repeats its request: a day, as Stripe does. */
export const KEYED_ANSWERS_KEPT_MS = 86_400_000;
/** What is kept for one user at a time: a request every nine seconds, all day. A key beyond it is refused. */
export const USER_KEYS_MAX = 10_000;
/** Bytes of the answers that are kept for one user at a time; one more answer may go beyond it. */
export const USER_KEPT_BYTES_MAX = 64 * 1_024 * 1_024;

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
