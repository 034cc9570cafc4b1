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
/** Publications that were read and aren't acknowledged yet: no more are read. With MQTT 5 the broker sends no more. */
export const RECEIVED_MAX = 1_024;
/** Bytes of them, with either version. */
export const RECEIVED_BYTES_MAX = 16_777_216;
/**
 * Publications at work at the same time, of all devices. All of them together, each with as many values as it may have, fit into what one
 * tenant may have waiting to be written.
 */
export const AT_WORK_MAX = 64;
/** Those of one device: while what it says takes long, there is room for others. */
export const AT_WORK_OF_ONE_MAX = 16;
/** Messages without a PUBACK: what is more waits in the streams of networks. */
export const PUBLISHED_MAX = 4_096;
/** Bytes of a packet from the broker; it leaves out what is larger, with MQTT 5. */
export const PACKET_BYTES_MAX = 264_192;
