/** The module name under which a script imports functions of the device; their names are the numbers below. */
export const NATIVE_MODULE = 'yg';

/**
 * The functions that a device gives its scripts, by the number under which they are imported; a number is never given to
 * anything else. Each takes three i32 and returns one. `device/core/yg_natives.c` has the same list.
 */
export const Native = {
  LOG: 1,
  CLOCK: 2,
  GPIO_MODE: 3,
  GPIO_WRITE: 4,
  GPIO_READ: 5,
  SENSOR_READ: 6,
  ACTUATOR_SET: 7,
  TIMER_SET: 8,
  PUBLISH: 9,
  STORAGE_GET: 10,
  STORAGE_SET: 11,
  ARGUMENT: 12,
  ANSWER: 13,
} as const;

/** What these functions answer. */
export const NativeStatus = { OK: 0, UNKNOWN: 1, OUT_OF_RANGE: 2, LIMIT: 3 } as const;

/** Why a script is called: the first argument of its `call`. The second is the timer. */
export const ScriptEvent = { START: 0, STOP: 1, TICK: 2, COMMAND: 3 } as const;

/** Version of all of this: events, natives, and how texts and numbers are given. */
export const SCRIPT_ABI_VERSION = 1;
