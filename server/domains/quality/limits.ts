/** Age in milliseconds at which a request counts half: an hour, so that a repaired provider recovers within a day. */
export const HALF_LIFE_MS = 3_600_000;
/**
 * What a provider without history is taken for, each a share from 0 to 1: a little under a good one, so that it gets
 * work and can show itself, and never beats a proven one by being new.
 */
export const NEUTRAL_SHARE = 0.8;
/** How many requests the neutral start weighs: a first failure neither ruins nor a first success makes a provider. */
export const NEUTRAL_WEIGHT = 5;
/** Milliseconds to the first token, and for each further one, at which the latency share is a half. */
export const REFERENCE_FIRST_TOKEN_MS = 1_000;
export const REFERENCE_TOKEN_MS = 50;
/**
 * Assessments in memory: many times what one server has connected, so that only those of providers that left long ago are
 * read again.
 */
export const KNOWN_PROVIDERS_MAX = 100_000;
/**
 * How much what requesters say can move quality, from its lowest to its highest: little beside what is measured. Of one account it is at most
 * this divided by the voices that are taken for granted and itself: 0.034, which is less than 0.009 of a score.
 */
export const RATING_WEIGHT = 0.2;
/** Voices of `NEUTRAL_SHARE` that every provider is taken to have, so that the first account doesn't decide. */
export const RATING_PRIOR_VOICES = 5;
