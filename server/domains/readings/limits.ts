/** Readings of one device in one network: names, each with its last value and its history. */
export const SERIES_PER_DEVICE_MAX = 256;
/** Readings of one device whose last values are given at once, by name: what it says in two networks that have no name in common. */
export const LAST_READINGS_MAX = 512;
/** Bytes that a point of the history counts: its row, and its places in two indexes. What is no number counts its text, too. */
export const POINT_BYTES = 128;
/** Bytes that an hour counts, likewise. */
export const HOUR_BYTES = 208;
/** Days after which the points of an hour become one: a week in full detail. */
export const DETAIL_DAYS = 7;
/** Readings of one transaction. */
export const BATCH_READINGS_MAX = 5_000;
/** Readings of one tenant that may wait to be written: some seconds of a busy home. */
export const TENANT_WAITING_MAX = 20_000;
/** Readings of all tenants that may wait. */
export const WAITING_MAX = 200_000;
/** How far a device's clock may be ahead, in milliseconds: what it says it measured later counts as measured now. */
export const CLOCK_AHEAD_MS = 60_000;
/** Where they couldn't be made or dropped, they are left for this time: what has no part of its own has a place all the same. */
export const PARTS_PAUSE_MS = 600_000;
/** Points or hours that one transaction removes. */
export const REMOVED_POINTS_MAX = 20_000;
/** Such transactions of one run: the next run goes on. */
export const REMOVAL_ROUNDS_MAX = 20;
/** Days that a tenant may have its readings kept. */
export const RETENTION_DAYS_MAX = 3_650;
/** Characters of a reading's name. */
export const NAME_CHARACTERS_MAX = 128;
/** Characters of a value that is a text. */
export const TEXT_CHARACTERS_MAX = 4_096;
/** Characters of a unit. */
export const UNIT_CHARACTERS_MAX = 32;
/** Readings that wait for one who reads them live, behind the last values: all of a device twice. Who is slower is cut. */
export const FOLLOWER_READINGS_MAX = 512;
/** How many an account reads live at the same time: some pages of a browser. */
export const FOLLOWERS_PER_ACCOUNT_MAX = 16;
/** How many a tenant does: so that none takes them all. */
export const FOLLOWERS_PER_TENANT_MAX = 64;
/** How many all do. */
export const FOLLOWERS_MAX = 2_000;
/** A value counts as this in a mean where it is more, and as nothing where it is less than one part of it. */
export const MEAN_OF_MAX = 1e100;
