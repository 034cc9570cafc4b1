/** Direct paths of one device in a network, those that are asked for included. */
export const DEVICE_PATHS_MAX = 32;
/** How long a device has to answer an offer, and both to say that the path is up, in milliseconds. */
export const SETUP_MS = 10_000;
/** Addresses that a device can say that it listens at, */
export const ADDRESSES_MAX = 8;
/** at a port above those of well-known services, which are nobody's path. */
export const PORT_MIN = 1_024;
export const PORT_MAX = 65_535;
/** SHA-256. */
export const FINGERPRINT_BYTES = 32;
/** What a device can say of a path: a round trip, in microseconds, and thousandths that are lost. */
export const ROUND_TRIP_US_MAX = 60_000_000;
export const LOSS_PERMILLE_MAX = 1_000;
/** How often it is looked up whether a path is permitted, where that changes meanwhile. */
export const LOOKUPS_MAX = 5;
