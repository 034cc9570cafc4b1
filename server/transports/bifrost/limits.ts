/** Time a connection has for its HELLO, in milliseconds. */
export const HELLO_TIMEOUT_MS = 10_000;

/** Frames that may wait until the device is known and its session open, */
export const WAITING_FRAMES_MAX = 100;
/** and their bytes: anybody can make a connection that waits. */
export const WAITING_BYTES_MAX = 262_144;

/** Frames of all WebSockets that are looked at in one turn of the event loop: some milliseconds where they are to be kept. */
export const FRAMES_PER_TURN = 128;
/** Frames of one connection that are looked at before others that wait have their turn. */
export const FRAMES_AT_A_TIME = 16;
/** Frames of an open session that may wait for their turn: as many as may be without an answer. Before more are taken, the oldest are looked at. */
export const UNREAD_FRAMES_MAX = 1_000;
/** Their bytes: four of the largest frames. */
export const UNREAD_BYTES_MAX = 1_048_576;
/** Connections that may wait for their turn: all there can be. */
export const WAITING_CONNECTIONS_MAX = 100_000;

/** Unsent bytes a slow WebSocket may have: above the relay's window of 1 MiB, so that only a stuck client meets it. */
export const BACKPRESSURE_BYTES_MAX = 4 * 1024 * 1024;

/** STORED frames a WebSocket client may have unacknowledged. */
export const WINDOW_FRAMES = 256;
