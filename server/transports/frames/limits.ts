/** Frames in a row a connection may get wrong before it is closed: a device with a bug is told often enough to be mended. */
export const WRONG_FRAMES_MAX = 20;
/**
 * Frames of one device that may be without an answer: WELCOME announces it. Enough for a device that sends as fast as the
 * database stores, and as many as the replay window can tell apart.
 */
export const SEND_WINDOW_FRAMES = 1_000;
/** Between two lines in the log about what one connection is refused, in milliseconds: the line says how many there were. */
export const REFUSAL_LOG_INTERVAL_MS = 1_000;
/** Bytes of a request's body in one frame: a larger body takes several, and a frame for others gets between them. */
export const BODY_PIECE_BYTES = 131_072;
/** Bytes of COMPUTE_BODYs on their way to one provider: far below what a socket may have unsent. */
export const BODY_WINDOW_BYTES = 1_048_576;
/** Levels of objects and lists in a piece of an answer: nobody's answers are deeper, and deeper ones could exhaust the stack. */
export const DELTA_DEPTH_MAX = 32;
/** Objects, lists and names that any piece of an answer may have: a few tool calls. */
export const DELTA_PARTS_FREE = 16;
/** Bytes of a piece for each further one of them: an object takes 56 bytes in memory and three on the line. */
export const BYTES_PER_PART_MIN = 8;
/** Characters of what an endpoint says about a failure. */
export const REASON_CHARACTERS_MAX = 500;
