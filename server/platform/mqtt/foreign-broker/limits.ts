/** Seconds between two signs of life, at the most. */
export const KEEPALIVE_SECONDS = 30;
/** CONNACK and SUBACK are there by then, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 15_000;
/** Before the first attempt to connect again, in milliseconds; each that fails doubles it. */
export const RETRY_MIN_MS = 500;
/** And the most. */
export const RETRY_MAX_MS = 30_000;
/** How long the broker keeps our session while we are away, in seconds: a day. */
export const SESSION_EXPIRY_SECONDS = 86_400;
/**
 * Publications at work: no more are read. With MQTT 5 the broker sends no more. All of them together, each with as many values as it
 * may have, fit into what one tenant may have waiting to be written.
 */
export const RECEIVED_MAX = 64;
/** Messages without a PUBACK: what is more waits in the streams of networks. */
export const PUBLISHED_MAX = 4_096;
/** Bytes of a packet from the broker; it leaves out what is larger, with MQTT 5. */
export const PACKET_BYTES_MAX = 264_192;
