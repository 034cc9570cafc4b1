/** How long a node may write without renewing its lease, in milliseconds: longer than a database takes to restart. */
export const LEASE_MS = 15_000;
/** How often in that time it is renewed, so that one or two failures do no harm. */
export const RENEWALS_PER_LEASE = 3;
