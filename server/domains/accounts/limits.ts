/** Marks a token as a user's, so that a leaked one is recognised by scanners and people. */
export const USER_TOKEN_PREFIX = 'ygu_';

/** Random bytes of a token: 256 bits can't be guessed, so a fast hash is enough to store them. */
export const USER_TOKEN_BYTES = 32;

/** Tokens of one account: one for each of its programs. */
export const TOKENS_PER_ACCOUNT_MAX = 100;

/** What the token is called that is made with an account. */
export const FIRST_TOKEN_NAME = 'First token';

/** Random bytes of the set-up code: 80 bits, short enough to type. */
export const SETUP_CODE_BYTES = 10;
