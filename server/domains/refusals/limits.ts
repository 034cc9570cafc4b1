/** Refusals that are kept of each device. */
export const REFUSALS_PER_DEVICE_MAX = 20;
/** Refusals that may wait to be written; more are lost. */
export const WAITING_MAX = 1_000;
/** Refusals of one transaction. */
export const BATCH_REFUSALS_MAX = 500;
/** Characters of a topic: it is a stranger's. */
export const TOPIC_CHARACTERS_MAX = 128;
