/** Marks a token as a device's. */
export const DEVICE_TOKEN_PREFIX = 'ygd_';

/** Random bytes of a token: 256 bits can't be guessed, so a fast hash is enough to store them. */
export const DEVICE_TOKEN_BYTES = 32;

/** Bytes of a signing key: the output length of SHA-256, as RFC 2104 section 3 recommends. */
export const SIGNING_KEY_BYTES = 32;

/** Devices a tenant may have. */
export const DEVICES_PER_TENANT_MAX = 10_000;

/** Names in each list of a device's capabilities. */
export const CAPABILITY_NAMES_MAX = 64;

/** Characters of a name in a device's capabilities. */
export const CAPABILITY_NAME_LENGTH_MAX = 64;

/** Networks a device may be in: over MQTT it has a session in each. */
export const NETWORKS_PER_DEVICE_MAX = 100;
