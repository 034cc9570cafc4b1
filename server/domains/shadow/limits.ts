/** Values of one side of a shadow. */
export const VALUES_MAX = 128;
/** Bytes of one side, as JSON. */
export const STATE_BYTES_MAX = 16_384;
/** Bytes of all shadows of a network: some hundred devices that say as much as they may. */
export const NETWORK_BYTES_MAX = 8_388_608;
/** Characters of a name. */
export const NAME_CHARACTERS_MAX = 128;
/** Characters of a value that is a text. */
export const TEXT_CHARACTERS_MAX = 4_096;
/** Objects inside each other in what is wanted. */
export const LEVELS_MAX = 8;
/** Reports of one transaction. */
export const BATCH_REPORTS_MAX = 1_000;
/** Devices that are looked at together when they return. */
export const BATCH_DEVICES_MAX = 500;
/** Reports of one tenant that may wait to be written. */
export const TENANT_WAITING_MAX = 5_000;
/** Reports of all that may wait. */
export const WAITING_MAX = 50_000;
