/** Between two notices to a device about one cause, in milliseconds: a full queue drops thousands a second. */
export const NOTICE_INTERVAL_MS = 5_000;
/** How long the first notice after a quiet time waits for more to count, in milliseconds. */
export const FIRST_NOTICE_MS = 200;
/** Topics that a notice names. */
export const TOPICS_MAX = 8;
/** Frames that a notice names. */
export const FRAME_IDS_MAX = 64;
/** Characters of a topic: it is a stranger's. */
export const TOPIC_CHARACTERS_MAX = 128;
/** Notices that are counted at a time; drops of further devices are lost until the next interval. */
export const NOTICES_MAX = 10_000;
/** Of them, those of one network. */
export const NETWORK_NOTICES_MAX = 1_000;
/** Notices that are kept of each device in a network. */
export const DROPS_PER_DEVICE_MAX = 20;
