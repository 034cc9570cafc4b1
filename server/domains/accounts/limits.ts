/** Marks a token as a user's, so that a leaked one is recognised by scanners and people. */
export const USER_TOKEN_PREFIX = 'ygu_';

/** Marks an API key, which is limited in what it may. */
export const API_KEY_PREFIX = 'ygk_';

/** What an API key is for where its maker doesn't say: what OpenAI's clients ask. */
export const API_KEY_OPERATIONS_DEFAULT: readonly string[] = ['openai.*', 'anthropic.*'];

/** Operations, models or devices that one API key names. */
export const API_KEY_ENTRIES_MAX = 100;

/** Random bytes of a token: 256 bits can't be guessed, so a fast hash is enough to store them. */
export const USER_TOKEN_BYTES = 32;

/** Tokens of one account: one for each of its programs. */
export const TOKENS_PER_ACCOUNT_MAX = 100;

/** A sign-in lasts so long, in milliseconds. */
export const SESSION_MS = 30 * 86_400_000;

/** What the token of a sign-in is called. */
export const SESSION_NAME = 'Sign-in';

/** A sign-in waits so long for its passkey, in milliseconds, and so many of one account do at the same time. */
export const PARTIAL_SESSION_MS = 15 * 60_000;
export const PARTIAL_SESSIONS_MAX = 5;

/** What the token of a sign-in is called that waits for its passkey. */
export const PARTIAL_NAME = 'Sign-in that waits for a passkey';

/** Passkeys of one account: one for each of its devices. */
export const PASSKEYS_PER_ACCOUNT_MAX = 20;

/** A passkey is used within so long, in milliseconds: people look for a security key. */
export const PASSKEY_CHALLENGE_MS = 5 * 60_000;

/** Random bytes of a challenge: twice what is asked for (Web Authentication Level 3, section 13.4.3). */
export const PASSKEY_CHALLENGE_BYTES = 32;

/** Challenges that one token has open at the same time. */
export const PASSKEY_CHALLENGES_MAX = 5;

/** Sign-ins by passkey that one client begins within an hour: a page offers one whenever it is opened. */
export const PASSKEY_SIGN_INS_PER_CLIENT_MAX = 120;

/** What the token is called that undoes a deletion. */
export const UNDO_NAME = 'Undo of the deletion';

/** Accounts that are deleted in one round of the job. */
export const DELETIONS_PER_ROUND_MAX = 10;

/** The time of a token's last use is written again after so long, in milliseconds. */
export const LAST_USE_INTERVAL_MS = 60_000;

/** Digits of a code for signing in: short enough to type. */
export const SIGN_IN_CODE_DIGITS = 8;

/** A code is good for so long, in milliseconds. */
export const SIGN_IN_CODE_MS = 10 * 60_000;

/** Wrong tries that a code bears: with 8 digits one guess in 20 million is right. */
export const SIGN_IN_TRIES_MAX = 5;

/** Codes for one address, and requests for codes from one client, within an hour. */
export const CODES_PER_ADDRESS_MAX = 10;
export const CODES_PER_CLIENT_MAX = 30;
export const CODES_INTERVAL_MS = 3_600_000;

/** Passwords that are tried for one address, from one device that is known to it, and by one client, within an hour, right ones included. */
export const PASSWORD_TRIES_PER_ADDRESS_MAX = 20;
export const PASSWORD_TRIES_PER_KNOWN_DEVICE_MAX = 20;
export const PASSWORD_TRIES_PER_CLIENT_MAX = 60;

/** Changes of its address that one account begins within an hour. */
export const CHANGES_PER_ACCOUNT_MAX = 5;

/** A program waits so long to be let in, in milliseconds, and is told for as long again that it is too late. */
export const PROGRAM_SIGN_IN_MS = 10 * 60_000;
export const PROGRAM_SIGN_IN_KEPT_MS = 10 * 60_000;

/** Seconds between two questions of a program, and what one that asks too soon waits longer (RFC 8628 section 3.5). */
export const PROGRAM_SIGN_IN_INTERVAL_SECONDS = 5;

/** Programs that wait at the same time: of one address, and of all; with so few, a guess in 25 million is right. */
export const PROGRAMS_PER_CLIENT_MAX = 10;
export const PROGRAMS_WAITING_MAX = 1_000;

/** Consonants, so that a code is no word and no letter looks like another (RFC 8628 section 6.1). */
export const CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
export const CODE_GROUP_LETTERS = 4;
export const USER_CODE_LETTERS = 8;

/** Recovery codes of an account, and letters of each: 86 bits, so that a code alone tells whose it is. */
export const RECOVERY_CODES = 10;
export const RECOVERY_CODE_LETTERS = 20;

/**
 * Codes take the place of a mailbox only when they are as old, in milliseconds: who has stolen a token makes codes, too, and the owner, who is told
 * of it by mail, has that long to end them.
 */
export const RECOVERY_CODE_AGE_MS = 7 * 86_400_000;

/** Codes of programs that one account tries within an hour. */
export const USER_CODE_TRIES_MAX = 60;

/** Random bytes of a program's own code: 256 bits. */
export const DEVICE_CODE_BYTES = 32;

/** Clients whose requests are counted; beyond them the one that was silent for longest is forgotten. */
export const COUNTED_CLIENTS_MAX = 50_000;

/** Origins of sign-ins that are known of one account: its devices at home, at work and on the way. */
export const KNOWN_ORIGINS_PER_ACCOUNT_MAX = 50;

/** Mails about new sign-ins that one account gets within a day. */
export const NOTICES_PER_ACCOUNT_MAX = 5;
export const NOTICES_INTERVAL_MS = 86_400_000;

/** Sign-ins that wait to be noted, one after the other; a slow database doesn't pile them up. */
export const SIGN_INS_TO_NOTE_MAX = 1_000;

/** What the token is called that is made with an account. */
export const FIRST_TOKEN_NAME = 'First token';

/** Random bytes of the set-up code: 80 bits, short enough to type. */
export const SETUP_CODE_BYTES = 10;

/** A sign-in with an issuer takes so long at most, in milliseconds: people type passwords there. */
export const PENDING_SIGN_IN_MS = 15 * 60_000;

/** Random bytes of state, nonce, code verifier and the browser's secret: 256 bits (RFC 7636 section 4.1). */
export const RANDOM_VALUE_BYTES = 32;

/** OpenID Connect Core section 2: a subject has 255 characters at most. */
export const SUBJECT_CHARACTERS_MAX = 255;
export const ISSUER_CHARACTERS_MAX = 500;

/** What an account is called whose issuer gives no name that is one here. */
export const NAME_OF_UNNAMED = 'Somebody';

/** An access token is good for so long, in milliseconds. */
export const ACCESS_TOKEN_MS = 10 * 60_000;

/** Marks a refresh token; a point is between the half that stays and the half that changes. */
export const REFRESH_TOKEN_PREFIX = 'ygr_';

/** A refresh token that was used is taken again for so long, in milliseconds: the answer may be lost on its way. */
export const REFRESH_GRACE_MS = 30_000;

/** A sign-in with refresh tokens ends after so long without use, and after so long in all, in milliseconds. */
export const REFRESH_IDLE_MS = 30 * 86_400_000;
export const REFRESH_LIFE_MS = 180 * 86_400_000;

/** Bytes of the private key of Ed25519 (RFC 8032 section 5.1.5). */
export const ACCESS_KEY_BYTES = 32;

/** A key signs access tokens for so long, and is published so long before, in milliseconds: others keep what they have read for minutes. */
export const ACCESS_KEY_MS = 30 * 86_400_000;
export const ACCESS_KEY_AHEAD_MS = 3_600_000;

/** A key is published for so long after the next one has begun to sign, in milliseconds: longer than its last token lasts. */
export const ACCESS_KEY_KEPT_MS = 3_600_000;
