/** Most bytes of a script's module. */
export const MODULE_BYTES_MAX = 16_384;
/** Most bytes of a script's linear memory. */
export const MEMORY_BYTES_MAX = 4_096;
/** A page of a device's port: a script's memory is a whole number of them (`port_page_bytes`). */
export const PAGE_BYTES = 256;
/** Most bytes of WebAssembly stack. */
export const STACK_BYTES_MAX = 2_048;
/** Most WebAssembly instructions of a call. */
export const INSTRUCTIONS_MAX = 2_000_000;
/** Longest time of a call, in milliseconds. */
export const CALL_MS_MAX = 1_000;
/** Most calls in a second. */
export const CALLS_PER_SECOND_MAX = 100;
/** Most bytes that a script may publish, log and store in a minute. */
export const BYTES_PER_MINUTE_MAX = 65_536;
/** Scripts that a device keeps. */
export const SCRIPTS_MAX = 4;
/** Bytes of a module in one `script.chunk`: a frame of them fits the buffers of a small device. */
export const CHUNK_BYTES_MAX = 1_024;
/** Timers of a script. */
export const TIMERS_MAX = 4;
/** The shortest time of a timer, in milliseconds. */
export const TIMER_MS_MIN = 10;
/** Numbers that a script may keep. */
export const STORED_MAX = 8;
/** Values in the answer of a script. */
export const ANSWERS_MAX = 4;
/** Characters of a text that a script gives to the device. */
export const TEXT_CHARACTERS_MAX = 48;
