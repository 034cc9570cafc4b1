/** Frames in a row a connection may get wrong before it is closed: a device with a bug is told often enough to be mended. */
export const WRONG_FRAMES_MAX = 20;
/** Frames in a row that others don't want: a device that says a thing once a second goes on for a quarter of an hour. */
export const REFUSED_FRAMES_MAX = 1_000;
/**
 * Frames of one device that may be without an answer: WELCOME announces it. Enough for a device that sends as fast as the
 * database stores, and as many as the replay window can tell apart.
 */
export const SEND_WINDOW_FRAMES = 1_000;
/** Between two lines in the log about what one connection is refused, in milliseconds: the line says how many there were. */
export const REFUSAL_LOG_INTERVAL_MS = 1_000;
