/* The device of the script runner: what it needs of memory, and how it is started. */
#ifndef SCRIPT_RUNNER_H
#define SCRIPT_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_scripts.h"

#define RESULT_BYTES_MAX 4096u

/* What the runner of scripts can do; `ScriptRunnerOperation` of script-runner.ts has the same numbers. */
typedef enum {
    /* Owner's key (32 bytes), then device.wasm: starts the device on the folder `flash`. */
    SCRIPTS_START = 1,
    /* Time in ms, payload of a COMMAND: answers the payload of its COMMAND_RESULT. */
    SCRIPTS_COMMAND = 2,
    /* Time in ms, most calls: answers how many calls were made. */
    SCRIPTS_RUN = 3,
    /* What was published, reported and logged since the last time, a line each. */
    SCRIPTS_EVENTS = 4,
    /* Time in ms: loses power between two operations, and starts again. */
    SCRIPTS_RESTART = 5,
    /* Pin, level, temperature (f64): sets them; answers the LED (f64) and the pin's level after it (u32). */
    SCRIPTS_BOARD = 6,
    /* See script_cuts.h. */
    SCRIPTS_CUTS = 7,
    /* Bytes of the pool that are free now. */
    SCRIPTS_FREE = 8,
    /* A module: answers what admission says of it (yg_status), its memory, and the bytes before its data. */
    SCRIPTS_ADMIT = 9,
} script_operation;

/* Starts the runtime, the core and the scripts on the folder that port_files_open was given. False when it can't. */
bool device_start(yg_scripts *scripts, const uint8_t owner_key[32], const uint8_t *module, uint32_t bytes,
                  uint32_t now_ms);

#endif
