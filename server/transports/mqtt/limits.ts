/**
 * STORED frames that a device may have unacknowledged in each of its networks. What it has no memory for waits in TCP, or, where
 * MQTT 5 says how many it takes, in its connection's queue. Fewer than one transaction stores for it are read again from the stream.
 */
export const WINDOW_FRAMES = 256;
/** Bytes of a plain device's JSON. */
export const PLAIN_PAYLOAD_BYTES_MAX = 16_384;
/** Objects inside each other in it: what devices say is flat, or a list of sensors with their values. */
export const PLAIN_LEVELS_MAX = 8;
/** Values of one publication: each becomes a frame. */
export const PLAIN_VALUES_MAX = 64;
/** Characters of the name of a reading, a command or a value. */
export const PLAIN_NAME_CHARACTERS_MAX = 128;
/** Characters of a text among the values. */
export const PLAIN_TEXT_CHARACTERS_MAX = 4_096;
/** Characters of a unit. */
export const PLAIN_UNIT_CHARACTERS_MAX = 32;
/** How long a command waits for its device to subscribe to it, in milliseconds: devices subscribe to one filter after the other. */
export const COMMAND_SUBSCRIPTION_MS = 2_000;
/** Between two messages about refusals of one connection, in milliseconds: each is kept, and says how many there were. */
export const REFUSAL_INTERVAL_MS = 1_000;
/** Characters of a topic that is shown in a refusal: it is a stranger's. */
export const TOPIC_CHARACTERS_MAX = 128;
/** Devices at a broker of somebody else's that have a session: who was silent for longest has none any more. */
export const BROKER_DEVICES_MAX = 100_000;
/** When a device that nobody was subscribed for is tried again, in milliseconds. */
export const BROKER_RETRY_MS = 60_000;
/** How often a publication is tried that can't be taken while the server is well, before it is dropped. */
export const BROKER_TRIES_MAX = 4;
/** Before the second time, in milliseconds; each that fails doubles it. */
export const BROKER_TRY_AGAIN_MS = 250;
