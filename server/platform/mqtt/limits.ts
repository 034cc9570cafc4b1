/** The most an MQTT packet may announce, in bytes: the largest frame (256 KiB), its topic and headers. */
export const PACKET_BYTES_MAX = 264_192;
/** The most a CONNECT may announce, in bytes: ids and a token need a few hundred; nobody is authenticated yet. */
export const CONNECT_BYTES_MAX = 4_096;
/** The most that other packets than CONNECT and PUBLISH may announce, in bytes: room for a hundred topic filters. */
export const CONTROL_BYTES_MAX = 16_384;
/** The longest client id, in characters. [MQTT-3.1.3-5] asks for 23 at least; a UUID with a prefix needs more. */
export const CLIENT_ID_LENGTH_MAX = 128;
/** How long a socket may stay without a complete CONNECT, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** How long a client may take none of what was written to it before it is cut, in milliseconds. */
export const DRAIN_TIMEOUT_MS = 10_000;
/** What may wait to be written to one client, in bytes; beyond it the client is cut rather than memory grown. */
export const OUTGOING_BYTES_MAX = 1_048_576;
/** Messages one client may leave unacknowledged. Above any window a client asks for, far below the 65,535 ids. */
export const UNACKNOWLEDGED_MESSAGES_MAX = 1_000;
/** Publications of one client that may be in work before its socket is no longer read. */
export const INCOMING_MESSAGES_MAX = 256;
/** QoS 2 handshakes one client may leave open. */
export const INCOMING_QOS2_MAX = 256;
/** TCP keep-alive, in milliseconds: finds dead peers of clients that chose no MQTT keep-alive. */
export const TCP_KEEP_ALIVE_MS = 60_000;
