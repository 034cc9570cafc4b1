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
