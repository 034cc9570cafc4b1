/** Marks a token as a user's, so that a leaked one is recognised by scanners and people. */
export const USER_TOKEN_PREFIX = 'ygu_';

/** Random bytes of a token: 256 bits can't be guessed, so a fast hash is enough to store them. */
export const USER_TOKEN_BYTES = 32;

/** Random bytes of the set-up code: 80 bits, short enough to type. */
export const SETUP_CODE_BYTES = 10;
