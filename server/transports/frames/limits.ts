/** Frames in a row a connection may get wrong before it is closed: a device with a bug is told often enough to be mended. */
export const WRONG_FRAMES_MAX = 20;
