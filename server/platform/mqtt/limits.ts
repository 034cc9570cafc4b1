/** The most an MQTT packet may announce, in bytes: the largest frame (256 KiB), its topic and headers. */
export const PACKET_BYTES_MAX = 264_192;
/** The most a CONNECT may announce, in bytes: ids and a token need a few hundred; nobody is authenticated yet. */
export const CONNECT_BYTES_MAX = 4_096;
/** The most that other packets than CONNECT and PUBLISH may announce, in bytes: room for a hundred topic filters. */
export const CONTROL_BYTES_MAX = 16_384;
/** Pieces of a packet that are kept apart: each takes hundreds of bytes beside its own, and a client may send one byte at a time. */
export const PACKET_PIECES_MAX = 256;
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
/** Between two lines in the log about connections that ended before anybody was let in, in milliseconds. */
export const FAILURE_LOG_INTERVAL_MS = 1_000;
/** Publications of one client that may be in work before its socket is no longer read. */
export const INCOMING_MESSAGES_MAX = 256;
/** QoS 2 handshakes one client may leave open. */
export const INCOMING_QOS2_MAX = 256;
/** TCP keep-alive, in milliseconds: finds dead peers of clients that chose no MQTT keep-alive. */
export const TCP_KEEP_ALIVE_MS = 60_000;
/** Messages of QoS 1 and 2 that may wait for one client without a lasting session; more are dropped, and it is told. */
export const WAITING_MESSAGES_MAX = 10_000;
/** Bytes of them. */
export const WAITING_BYTES_MAX = 4_194_304;
/** Subscriptions of one client. */
export const CLIENT_SUBSCRIPTIONS_MAX = 20_000;
/** Bytes of a topic or filter of a tree: what is kept is found by them. */
export const TOPIC_BYTES_MAX = 1_024;
/** Levels of a topic or filter: the library has no more. */
export const TOPIC_LEVELS_MAX = 100;
/** Bytes of a WebSocket that may wait to be read: it can't be told to wait, so a client that sends more at once is cut. */
export const UNREAD_BYTES_MAX = 8_388_608;
/** Bytes of a WebSocket that its client hasn't read, above which a writer waits. */
export const WRITTEN_BYTES_HIGH = 65_536;
/** Seconds in which a WebSocket's client answers a ping. MQTT's own keep-alive is looked at beside it. */
export const WEBSOCKET_IDLE_SECONDS = 120;
/** Between two looks of the library at its neighbours, which it doesn't have here, in milliseconds: four times this is the longest timer. */
export const LIBRARY_HEARTBEAT_MS = 500_000_000;
/** Topics for which a client of MQTT 5 may have an alias, each of `TOPIC_BYTES_MAX` at most. */
export const TOPIC_ALIASES_MAX = 16;
/** The longest keep-alive of a client of MQTT 5, in seconds: within one and a half of it is seen that it vanished. */
export const KEEP_ALIVE_SECONDS_MAX = 60;
/** Characters of a reason that a client is told. */
export const REASON_CHARACTERS_MAX = 256;
