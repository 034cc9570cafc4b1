/** Devices whose messages are looked at together. */
export const DEVICES_AT_ONCE = 100;
/** Characters of a name that is a level of a topic. */
export const NAME_CHARACTERS_MAX = 128;
/** Messages that wait for a network: the last of each topic. More are lost, until the next value. */
export const WAITING_TOPICS_MAX = 20_000;
/** Bytes of what a firmware says on a topic of its own: more is only for its tree. */
export const FOREIGN_PAYLOAD_BYTES_MAX = 16_384;
/** Values of one such publication: each becomes a frame. */
export const FOREIGN_VALUES_MAX = 64;
/** Names that a device is found to have: as many as its capabilities list. */
export const LEARNED_NAMES_MAX = 64;
/** Objects inside each other in what it says. */
export const FOREIGN_LEVELS_MAX = 8;
/** Characters of such a name, as in capabilities. */
export const LEARNED_NAME_CHARACTERS_MAX = 60;
