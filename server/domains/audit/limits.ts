/** Records of one block: its hash is kept as a node, and a block is removed as a whole. The migration has the same number. */
export const BLOCK_RECORDS = 256;
/** The level of a block's node: 2^8 records. */
export const BLOCK_LEVEL = 8;
/** Records that are given their places in one transaction. */
export const SEALED_TOGETHER_MAX = 500;
/** Records that are noted in one transaction. */
export const NOTED_TOGETHER_MAX = 500;
/** From a record to its sealing, in milliseconds: those of busy times are sealed together. */
export const SEAL_DELAY_MS = 250;
/**
 * Records of a tenant in a minute about looks and refusals. Who may not do what it asks for costs no more room; how many were
 * left out stands in the next one. Changes and money are never left out: they have limits of their own.
 */
export const OCCASIONAL_PER_MINUTE_MAX = 120;
/** The same in a day. By the minute alone, whoever may do nothing would push all changes out of its tenant's log within 28 hours. */
export const OCCASIONAL_PER_DAY_MAX = 10_000;
/** In a minute, once those of the day are used: it shows that they go on, and how many were left out. */
export const OCCASIONAL_PER_MINUTE_BEYOND_MAX = 1;
/**
 * Records in the platform's log of what callers did whom nobody knows yet: registrations, codes, sign-ins. In a minute, in a day, and in a
 * minute beyond that. Strangers would push out of it what operators did: so it holds more than a month. What an account did stands in its own log.
 */
export const UNKNOWN_PER_MINUTE_MAX = 120;
export const UNKNOWN_PER_DAY_MAX = 3_000;
export const UNKNOWN_PER_MINUTE_BEYOND_MAX = 1;
/** Records kept of a tenant, about 60 MiB: past it the oldest go. */
export const RECORDS_MAX = 200_000;
/**
 * Bytes of the texts kept of what a tenant's devices signed without any money moving: 8 MiB, about 80 of the longest registrations or
 * several thousand usual ones. Past it the oldest texts go.
 */
export const PASSING_RECEIPTS_BYTES_MAX = 8_388_608;
/** Signed heads kept of a tenant: past it the oldest go. */
export const HEADS_MAX = 2_000;
/** Chains whose heads are signed, or whose old records are removed, in one round. */
export const CHAINS_TOGETHER_MAX = 1_000;
/** Countersignatures kept of one head. */
export const COUNTERSIGNATURES_MAX = 8;
/** Ids that a record is about. */
export const OBJECTS_MAX = 8;
/** Records that are read together while a log is verified. */
export const VERIFIED_TOGETHER = 2_000;
/** Problems of one log that are told one by one. */
export const PROBLEMS_MAX = 100;
/** Changed records of one log whose old places are looked for. */
export const PLACES_TRIED_MAX = 30;
/** How often a log is read whose oldest records retention removes meanwhile. */
export const ATTEMPTS_MAX = 3;
