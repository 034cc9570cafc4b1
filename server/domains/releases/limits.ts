/** Keys of a tenant: each signature is tried with those that fit. */
export const RELEASE_KEYS_MAX = 20;
/** Releases of a tenant, complete or not. */
export const RELEASES_MAX = 200;
/** Bytes of every part but the last: what a request brings, and all that is in memory of a release. */
export const RELEASE_PART_BYTES = 262_144 as const;
