/** Frames a connection may get wrong before it is closed. */
export const WRONG_FRAMES_MAX = 20;

/** STORED frames a microcontroller may have unacknowledged: few, because each waits in its small memory. */
export const WINDOW_FRAMES = 32;
