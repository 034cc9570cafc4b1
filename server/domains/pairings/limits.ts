/** Pairs of a network that are kept: some megabytes of memory for who sends there. */
export const NETWORK_PAIRINGS_MAX = 10_000;
/** Pairs that one device asked for. */
export const SOURCE_PAIRINGS_MAX = 256;
/** Questions that are open for one device at a time: more, and its owner would find none among them. */
export const OPEN_ASKS_MAX = 32;

/** How long a question stays open when nobody says, in milliseconds, */
export const ASK_WAIT_MS = 60_000;
/** and at most: an owner who looks once a week. */
export const ASK_WAIT_MS_MAX = 7 * 24 * 3_600_000;

/** Questions of one device within `ASKS_INTERVAL_MS`. */
export const ASKS_MAX = 30;
export const ASKS_INTERVAL_MS = 60_000;
/** How often one device is asked by the same other one within `DISTURBANCES_INTERVAL_MS`. */
export const DISTURBANCES_MAX = 5;
export const DISTURBANCES_INTERVAL_MS = 3_600_000;
/** Devices, and pairs of them, that are counted. */
export const COUNTED_MAX = 50_000;

/** Names that a permission can list, and characters of each. */
export const OPERATIONS_MAX = 64;
export const OPERATION_CHARACTERS_MAX = 128;
/** No database keeps U+0000, and nobody can read the others. */
export const WITHOUT_CONTROL = /^\P{Cc}*$/u;
/** Characters of a reason. */
export const REASON_CHARACTERS_MAX = 200;

/** Networks whose rules are read together when devices connect at the same time. */
export const NETWORKS_READ_MAX = 500;
/** How often what is over is looked for though nobody knows of a question: another server may have left one. */
export const LOOK_INTERVAL_MS = 60_000;
/** How long a pair is kept, and counted, of which nothing is left but that it is over. */
export const OVER_KEPT_MS = 3_600_000;
/** Questions that are ended together when their time is over. */
export const EXPIRED_TOGETHER_MAX = 500;
