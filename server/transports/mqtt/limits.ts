/** STORED frames a microcontroller may have unacknowledged: few, because each waits in its small memory. */
export const WINDOW_FRAMES = 32;
