/** Time a connection has for its HELLO, in milliseconds. */
export const HELLO_TIMEOUT_MS = 10_000;

/** Frames that may wait until the device is known and its session open, */
export const WAITING_FRAMES_MAX = 100;
/** and their bytes: anybody can make a connection that waits. */
export const WAITING_BYTES_MAX = 262_144;

/** Unsent bytes a slow WebSocket may have: above the relay's window of 1 MiB, so that only a stuck client meets it. */
export const BACKPRESSURE_BYTES_MAX = 4 * 1024 * 1024;

/** STORED frames a WebSocket client may have unacknowledged. */
export const WINDOW_FRAMES = 256;
