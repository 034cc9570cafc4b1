/**
 * How often a token of an honest machine is another one than the reference's: programs, batches and processors add up in different
 * orders. SmolLM2 in the same quantization under other settings: 0.03, and 0.045 with logprobs.
 */
export const HONEST_DIFFERENCE = 0.05;
/** How often it is at least with another model or a coarser quantization: SmolLM2 in Q4_0 beside Q4_1: 0.28, and 0.5 with logprobs. */
export const WRONG_DIFFERENCE = 0.25;
/** From this difference of a token's logprob on it counts as another token. */
export const LOGPROB_DIFFERENCE = 0.2;
/** So many times as likely under the one assumption as under the other decides: one honest machine in 200 is taken for another. */
export const LIKELIHOOD_RATIO = 200;
/** Tokens of an answer to a check: few, as after the first difference nothing can be compared. */
export const CHECK_TOKENS_MIN = 16;
export const CHECK_TOKENS_MAX = 24;
/** Tokens that must be comparable for a check to be a good one. */
export const COMPARED_TOKENS_MIN = 4;
/** Good checks after which a provider is checked less often. */
export const VALID_CHECKS_MIN = 10;
/** Answers of a provider from one check to the next, after those; before them it is one. */
export const CHECK_EVERY_ANSWERS = 50;
/** Checks a day: of one provider with one model, */
export const OFFER_CHECKS_PER_DAY = 24;
/** of all providers of one owner. */
export const OWNER_CHECKS_PER_DAY = 96;
/** What one check may cost at most, in micro-cents: two cents. */
export const CHECK_COST_MICROCENTS_MAX = 2_000_000n;
/** Prompts of a model whose answers are kept for others to be compared with, the newest; */
export const PROMPTS_KEPT_MAX = 64;
/** models for which they are kept. */
export const MODELS_KEPT_MAX = 500;
/** Milliseconds for which an answer is kept: a model may have a new version. */
export const ANSWER_KEPT_MS = 7 * 86_400_000;
/** Owners who must find a provider different, where no reference provider says so. */
export const DIFFERING_OWNERS_MIN = 2;
/** Milliseconds for which a model of a provider that is taken for another one is not asked for. */
export const DOUBTED_MS = 86_400_000;
/** Checks of an offer whose statistics stay outliers, after which it is paused. */
export const OUTLIER_CHECKS_MAX = 5;
/** Times the median length of the answers of others from which on answers are outliers, after this many of them, */
export const LENGTH_RATIO_MAX = 3;
export const LENGTH_ANSWERS_MIN = 30;
/** where so many other owners sell the model. */
export const LENGTH_OWNERS_MIN = 2;
/** Questions that a provider has answered and no other owner's: with more of them there is nobody to compare it with. */
export const UNANSWERED_MAX = 16;
