/** Filters in one list of rights. */
export const FILTERS_MAX = 64;
/** Characters of one. */
export const FILTER_LENGTH_MAX = 256;
/** Devices of a network that have rights of their own. */
export const HOLDERS_MAX = 1_000;
/** Devices whose rights are read in one statement. */
export const READ_TOGETHER = 500;
