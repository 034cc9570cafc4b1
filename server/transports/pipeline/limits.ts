/**
 * What one principal may have running at the same time, in the unit of `COSTS`: 100 computations, or 1,000 reads, or all
 * the frames that the relay would keep waiting five times over. Beyond it a caller has a bug, or means harm.
 */
export const PRINCIPAL_COST_MAX = 100_000;

/**
 * The same for callers who haven't said who they are, by remote address: enough for a household or an office behind one
 * address, too little to keep the database busy with wrong tokens.
 */
export const ADDRESS_COST_MAX = 50_000;

/** What finding out who somebody is costs, in the unit of `COSTS`: one look at the database. */
export const AUTHENTICATION_COST = 100;

/** When a caller who has too much running may try again, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

/** What the input of a request that isn't HTTP's holds beside its body: names, params, query, headers. */
export const INPUT_OVERHEAD_BYTES_MAX = 16_384;

/** Objects and lists inside each other in an input: those of the deepest body that HTTP takes, and the one around it. */
export const INPUT_LEVELS_MAX = 129;

/**
 * Values, names, objects and lists of an input: those of the largest body that HTTP takes, and what is around it. An input of 8 MiB
 * could hold millions, each of which takes time and memory of its own before anybody looks at it.
 */
export const INPUT_VALUES_MAX = 251_024;
