/** How far the time that a device signs may be from the server's, in milliseconds. */
export const PROVISIONING_SIGNED_MS = 300_000;

/** Marks a token as a device's. */
export const DEVICE_TOKEN_PREFIX = 'ygd_';

/** Random bytes of a token: 256 bits can't be guessed, so a fast hash is enough to store them. */
export const DEVICE_TOKEN_BYTES = 32;

/** The credentials that a device had before are good for so long at most, in seconds: until a device that sleeps for days has fetched the new ones. */
export const CREDENTIAL_OVERLAP_SECONDS_MAX = 7 * 86_400;

/** Bytes of a signing key: the output length of SHA-256, as RFC 2104 section 3 recommends. */
export const SIGNING_KEY_BYTES = 32;
/** RFC 8032: the public key that a device signs with what moves money. */
export const SIGNATURE_KEY_BYTES = 32;

/** Intervals of the heartbeat that a device may miss before it counts as inactive. */
export const MISSED_HEARTBEATS_MAX = 3;

/** Devices that are looked at for one page of a list by status, which is in memory: some pages of the database. */
export const DEVICES_LOOKED_AT_MAX = 2_000;

/** A device that shows a code waits so long for its owner, in milliseconds. */
export const CLAIM_MS = 10 * 60_000;

/** Letters of a code that a device shows: 20 ^ 9 codes, 39 bits, short enough to type. */
export const CLAIM_CODE_LETTERS = 9;

/** Consonants, so that a code is no word (RFC 8628 section 6.1). */
export const CLAIM_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';

/** Devices that wait at the same time, of all owners: with so few, a guess in 500 million is right. */
export const CLAIMS_WAITING_MAX = 1_000;

/** How often a device that waits should ask, in seconds. */
export const CLAIM_POLL_SECONDS = 3;

/** Random bytes of the secret that a waiting device keeps. */
export const CLAIM_SECRET_BYTES = 32;

/** Names in each list of a device's capabilities. */
export const CAPABILITY_NAMES_MAX = 64;

/** Characters of a name in a device's capabilities. */
export const CAPABILITY_NAME_LENGTH_MAX = 64;

/** Networks a device may be in: over MQTT it has a session in each. */
export const NETWORKS_PER_DEVICE_MAX = 100;

/** Devices that are looked up together when they connect at the same time: some milliseconds of the database. */
export const CONNECTING_MAX = 500;

/** Marks a key with which devices register themselves. */
export const BOOTSTRAP_KEY_PREFIX = 'ygb_';

/** Random bytes of such a key. */
export const BOOTSTRAP_KEY_BYTES = 32;

/** Such keys of a tenant, devices of one, and days that it is good for. */
export const BOOTSTRAP_KEYS_MAX = 100;
export const BOOTSTRAP_DEVICES_MAX = 100_000;
export const BOOTSTRAP_KEY_DAYS_MAX = 366;

/** A device that is being registered has so long, in milliseconds; then it may try again. */
export const PROVISIONING_MS = 60_000;

/** The credentials of a device that registered itself are kept for so long, in milliseconds, in case its answer was lost. */
export const PROVISIONED_KEPT_MS = 86_400_000;

/** 32 bytes in base64url. */
export const SEAL_KEY_CHARACTERS = 43;

/** Letters that the server adds to the name of a device's login: 64 million, so that a taken name tells nobody of others. */
export const LOGIN_ENDING_LETTERS = 6;

/** A name that is taken is made again so often. */
export const LOGIN_NAME_ATTEMPTS = 5;

/** Random bytes of a password that the server makes: 96 bits in 16 characters, which any firmware takes. */
export const LOGIN_PASSWORD_BYTES = 12;

/** Characters of a password that an owner chooses; firmware takes 32 to 64 at most. */
export const LOGIN_PASSWORD_LENGTH_MIN = 12;
export const LOGIN_PASSWORD_LENGTH_MAX = 64;

/** Passwords of devices that were right and needn't be hashed again: about a megabyte. */
export const PROVED_LOGINS_MAX = 10_000;

/** Wrong passwords for one name within the interval: from one address, and from all. */
export const LOGIN_TRIES_FROM_ADDRESS_MAX = 10;
export const LOGIN_TRIES_OF_NAME_MAX = 100;

/** Wrong passwords from one address for all names within the interval: each costs the server as much as a thousand tokens that are wrong. */
export const LOGIN_FAILURES_OF_ADDRESS_MAX = 60;

/** The interval, in milliseconds. */
export const LOGIN_TRIES_INTERVAL_MS = 10 * 60_000;

/** Names and addresses that are counted at the same time. */
export const COUNTED_LOGINS_MAX = 100_000;
