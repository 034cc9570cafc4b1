/**
 * The tokenizer needs time quadratic in the length of an unbroken run (one word, one row of spaces). Longer runs are
 * counted in pieces of this many characters, which adds about one token a piece at most.
 */
export const RUN_CHARACTERS_MAX = 128;
/** Characters after which a slice ends with the next token that a space follows. */
export const SLICE_CHARACTERS = 4_096;
/** Characters after which a slice ends anywhere: counting them takes a few milliseconds. */
export const SLICE_CHARACTERS_MAX = 8_192;
/** The same with tokenizers of models: a run of so many takes them a quarter of a second. */
export const LONG_SLICE_CHARACTERS_MAX = 16_384;
/** How long a tokenizer of a model that failed isn't asked, in milliseconds, */
export const FIRST_REST_MS = 60_000;
/** at most, after it has failed often. */
export const REST_MS_MAX = 3_600_000;
/** Tokenizers whose failures are known. */
export const FAILED_TOKENIZERS_MAX = 1_024;
/** Counters that are kept of tokenizers of models, the ones used last. */
export const MODEL_COUNTERS_MAX = 256;
/** Characters that are counted before another tenant has its turn: some 20 ms. */
export const PORTION_CHARACTERS = 32_768;
/** Characters of an answer for which nobody need wait: there may be 128 of such answers together. */
export const BILLABLE_AT_ONCE_CHARACTERS = 4_096;
/** Characters of an answer that are looked through for padding in one go: some 10 ms. */
export const BILLABLE_PORTION_CHARACTERS = 65_536;
/** Times that a few characters are counted in a row: a line across a wide page has fewer, */
export const REPETITIONS_MAX = 256;
/** of up to so many of them. */
export const REPEATED_PERIOD_MAX = 4;
/** Times that one line is counted in a row. */
export const REPEATED_LINES_MAX = 16;
