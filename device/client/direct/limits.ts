/** How often each end of a direct path says that it is there, in milliseconds. */
export const BEAT_INTERVAL_MS = 200;
/** Beats in a row without a word of the other end, after which a path is given up: well within a second. */
export const SILENT_BEATS_MAX = 3;
/** Frames, and bytes of them, that may be on their way: they go again over the relay where the path breaks. */
export const UNDER_WAY_FRAMES_MAX = 512;
export const UNDER_WAY_BYTES_MAX = 1_048_576;
/** So much arrived is acknowledged at once, not with the next beat. */
export const ACKNOWLEDGED_FRAMES = 32;
export const ACKNOWLEDGED_BYTES = 131_072;
/** How long frames of a path wait for what went over the relay before them, in milliseconds: TRANSIENT frames may be lost there. */
export const HOLD_MS = 1_000;
/** Frames that wait so. */
export const HELD_FRAMES_MAX = 1_024;
/** Ids of frames of another device that are known again: more than can be on their way on both paths. */
export const KNOWN_IDS_MAX = 4_096;
/** A path that broke is tried again after this time, in milliseconds, doubling from there, */
export const RETRY_MS = 1_000;
/** up to this. */
export const RETRY_MS_MAX = 30_000;
/** How long the device that is asked waits for the other one to connect. */
export const ARRIVAL_MS = 10_000;
/** How often the server is told how a path is, in beats. */
export const REPORT_BEATS = 25;
/** Frames from this size on are large, in bytes of payload. */
export const LARGE_BYTES = 4_096;
/** Answers to offers whose path isn't known yet. */
export const EARLY_ANSWERS_MAX = 32;
