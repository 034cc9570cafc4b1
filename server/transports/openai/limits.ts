/** Models of one answer: ten tenants' share, 300 KB. */
export const MODELS_LISTED_MAX = 1_000;
/** Items of a conversation that are listed at a time, as many as OpenAI lists, */
export const INPUT_ITEMS_LISTED = 20;
/** and at most. */
export const INPUT_ITEMS_LISTED_MAX = 100;
/** Prompts of one request for completions. */
export const PROMPTS_MAX = 128;
/** Texts of one request for embeddings, as many as OpenAI takes. */
export const INPUTS_MAX = 2_048;
/** Tokens that a requester gives by their numbers, in one text. */
export const GIVEN_TOKENS_MAX = 200_000;
/** The largest number of a token. */
export const GIVEN_TOKEN_MAX = 2 ** 31;
/** Numbers of a vector. */
export const DIMENSIONS_MAX = 16_384;
/** Likely tokens that are told beside each of a completion. */
export const COMPLETION_LOGPROBS_MAX = 5;
