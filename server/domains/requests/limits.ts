/** For how long an account's settings are believed without being read again, in milliseconds. */
export const SETTINGS_FRESH_MS = 5_000;
/** Accounts whose settings are kept in memory: at most some 13 kB each, and nearly always none. */
export const SETTINGS_KEPT_MAX = 1_000;
/** A prompt of this size takes the tokenizer longer than asking the database for a balance: some 20 ms. */
export const LARGE_PROMPT_BYTES = 32_768;
/** Tenants that are remembered to have no money. */
export const EMPTY_BALANCES_MAX = 10_000;
/** Bytes of a request's body: a context of a million tokens of prose, escaped as JSON, and some room. */
export const REQUEST_BODY_BYTES_MAX = 8 * 1_024 * 1_024;
/** Tokens that are held first for an answer whose length the requester didn't limit: most are shorter. */
export const FIRST_HOLD_TOKENS = 1_024;
/** Tokens of such an answer for which the balance must reach at least: a few sentences. */
export const FIRST_HOLD_TOKENS_MIN = 64;
/** Less than this is not worth holding more for. */
export const MORE_TOKENS_MIN = 32;
/** Bytes of text that count as a token while an answer grows: fewer than most have, so that enough is held in time. */
export const BYTES_PER_TOKEN = 3;
/** Tokens a requester may ask for. */
export const COMPLETION_TOKENS_MAX = 1_000_000;
/** Models that a request may name, the ones to fall back to included. */
export const MODELS_MAX = 4;
/** Providers that one request is given to before it fails. */
export const ATTEMPTS_MAX = 3;
/** Requests of one account at work at a time, at whatever price. */
export const ACCOUNT_RUNNING_MAX = 64;
/** Bytes of requests and answers in memory for one account: as many whole credits as requests may run, and as much besides. */
export const ACCOUNT_ANSWER_BYTES_MAX = 64 * 1_024 * 1_024;
/** Bytes of requests and answers in memory for the whole process. */
export const PROCESS_ANSWER_BYTES_MAX = 256 * 1_024 * 1_024;
/** Open transactions that are read at a time when those of a crash are ended. */
export const OPEN_TRANSACTIONS_PAGE = 1_000;

/** Times that a configuration may change; milliseconds. */
export interface RequestTimes {
  /** From the request to the first piece of text; then the next provider gets it. */
  readonly firstTokenTimeoutMs: number;
  /** Between two pieces of text. */
  readonly stallTimeoutMs: number;
  /** From the request to the end of the answer, whoever gives it. */
  readonly requestTimeoutMs: number;
  /** How long a request waits for a slot when every provider is busy. */
  readonly slotWaitMs: number;
  /** How long a reader may leave its answer unread while the provider has no credit left. */
  readonly readerStallTimeoutMs: number;
  /** Life of a hold: longer than everything above together, so that the end of a request always finds it. */
  readonly holdLifeMs: number;
  /** Between two tries to write the end of a request that the database didn't take. */
  readonly endRetryMs: number;
}

/** The times in use unless configured otherwise. */
export const REQUEST_TIMES: RequestTimes = {
  firstTokenTimeoutMs: 30_000,
  stallTimeoutMs: 15_000,
  requestTimeoutMs: 600_000,
  slotWaitMs: 10_000,
  readerStallTimeoutMs: 30_000,
  holdLifeMs: 1_200_000,
  endRetryMs: 2_000,
};

/** Seconds a requester is told to wait when its request is at work already, or too many are. */
export const RETRY_AFTER_SECONDS = 5;
/** Milliseconds for which an answer is kept for whoever repeats its request: a day, as Stripe does. */
export const KEYED_ANSWERS_KEPT_MS = 86_400_000;
/** What is kept for one account at a time: a request every nine seconds, all day. A key beyond it is refused. */
export const ACCOUNT_KEYS_MAX = 10_000;
/** Bytes of the answers that are kept for one account at a time; one more answer may go beyond it. */
export const ACCOUNT_KEPT_BYTES_MAX = 64 * 1_024 * 1_024;
