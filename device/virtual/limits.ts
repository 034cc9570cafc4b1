/** Answers kept for commands that come twice; the broker redelivers the last few at most. */
export const ANSWERS_MAX = 32;
/** Devices whose command nonces are kept, up to 300 bytes each; the one heard of longest ago makes room. */
export const COMMANDERS_MAX = 256;
/** Frames kept while there is no connection; the oldest reading makes room. */
export const OUTBOX_FRAMES_MAX = 256;
/** Simulated time runs this much faster than the clock, so that a reader sees the temperature move. */
export const SIMULATED_SECONDS_PER_SECOND = 60;
/** Frames remembered after they were taken over, in case the server answers that their nonce was too low. */
export const SENT_FRAMES_MAX = 64;
/** Actions that wait for their turn; the server gives fewer at a time. */
export const ACTIONS_QUEUED_MAX = 16;
/** How often the LED may blink in one action, and the time between two changes, in milliseconds. */
export const BLINKS_MAX = 100;
export const BLINK_INTERVAL_MS_MAX = 60_000;
