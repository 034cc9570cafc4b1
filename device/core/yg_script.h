/* One script: its module in WAMR while it runs, its timers, and what of its limits is used up. */
#ifndef YG_SCRIPT_H
#define YG_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_manifest.h"
#include "yg_sandbox.h"

#define YG_TIMERS 4u
#define YG_TIMER_MS_MIN 10u
#define YG_ANSWERS_MAX 4u
#define YG_ARGUMENTS_MAX 8u
/* Characters of a text that a script gives to the device, with the zero behind them. */
#define YG_TEXT_BYTES 49u

typedef enum { YG_STATE_STOPPED = 0, YG_STATE_RUNNING = 1, YG_STATE_FAILED = 2 } yg_script_state;

typedef struct {
    char name[YG_TEXT_BYTES];
    double value;
} yg_named_number;

/* What a call of any script reads and writes; one for all, because one runs at a time. */
typedef struct {
    yg_named_number arguments[YG_ARGUMENTS_MAX];
    yg_named_number answers[YG_ANSWERS_MAX];
    uint32_t argument_count;
    uint32_t answer_count;
    /* The time at which the runtime was entered, in ms, modulo 2^32. */
    uint32_t now_ms;
    void *context;
    void (*publish)(void *context, const char *name, double value, const char *unit);
    void (*log)(void *context, const char *script, bool is_error, const char *text);
    /* Numbers that a script keeps. `set` answers a status of yg_natives.h. */
    bool (*get)(void *context, const char *script, const char *key, double *value);
    uint32_t (*set)(void *context, const char *script, const char *key, double value);
} yg_script_world;

typedef struct {
    yg_manifest manifest;
    yg_sandbox sandbox;
    yg_script_world *world;
    struct {
        uint32_t due_ms;
        uint32_t period_ms;
    } timers[YG_TIMERS];
    uint64_t outputs;
    uint32_t call_count;
    uint32_t second;
    uint32_t calls_used;
    uint32_t minute;
    uint32_t bytes_used;
    /* Bit n is set for an import of number n. */
    uint16_t imports;
    uint8_t timers_set;
    uint8_t state;
    /* The yg_status that made it fail. */
    uint8_t fault;
} yg_script;

/* Whether a module may be a script: yg_admit under the policy for scripts. */
yg_status yg_script_admit(const uint8_t *module, uint32_t bytes, yg_module_parts *parts);

/*
 * Admits and loads a module for the manifest's limits; `image` has room for all of the module before its data section.
 * YG_SCRIPT_DONE, or why not; then nothing is loaded.
 */
yg_script_code yg_script_load(yg_script *script, const yg_manifest *manifest, const uint8_t *module, uint8_t *image,
                              yg_script_world *world);

/* Lets a loaded script begin. Afterwards it runs, or has failed and is unloaded. */
void yg_script_start(yg_script *script);

/* Lets it end, if it runs, and unloads it. */
void yg_script_stop(yg_script *script);

/* Whether one of its timers has ended, and how many ms ago the one that ended first did. */
bool yg_script_is_due(const yg_script *script, uint32_t *late_ms);

/* Calls it for a timer that has ended. One that is called too often is put off to the next second. */
void yg_script_tick(yg_script *script);

/*
 * Gives it the command whose arguments are in its world, and leaves its answers there. `status` is what the script
 * returned when the code is YG_SCRIPT_REFUSED.
 */
yg_script_code yg_script_command(yg_script *script, int32_t *status);

/* Takes bytes from what the script may send and store in this minute; false when they aren't there. */
bool yg_script_spend(yg_script *script, uint32_t bytes);

#endif
