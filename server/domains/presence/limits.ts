/** How long it is remembered who has a token, in milliseconds: a program of the operator may change the database meanwhile. */
export const CALLER_KNOWN_MS = 1_000;
/** How many callers are remembered: whose second began the longest ago goes first. */
export const CALLERS_KNOWN_MAX = 10_000;
