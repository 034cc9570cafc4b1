/*
 * The scripts of a device: deployed by signed commands while others run, kept on flash, called by priority, stopped when
 * they break a limit. Only for the task that started the runtime. docs/scripts.md has the commands.
 */
#ifndef YG_SCRIPTS_H
#define YG_SCRIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_children.h"
#include "yg_core.h"
#include "yg_script.h"
#include "yg_store.h"

/* One more than there are scripts: a new version is loaded for trial while the old one runs. */
#define YG_SCRIPT_SLOTS (YG_SCRIPTS_MAX + 1u)
#define YG_CHUNK_BYTES_MAX 1024u
/* Bytes of a package while it is checked. A port whose flash is mapped into memory needs none of it. */
#define YG_STAGING_BYTES (YG_HEAD_BYTES + YG_SCRIPT_MODULE_BYTES_MAX)

typedef struct {
    /* Ed25519, 32 bytes; NULL for a device that takes no scripts. */
    const uint8_t *owner_key;
    /* Open; it hashes. */
    yg_core *core;
    uint8_t *staging;
    /* YG_SCRIPT_SLOTS times `image_bytes`: a larger module is refused. */
    uint8_t *images;
    uint32_t image_bytes;
    const char *platform;
    const char *firmware;
    /* Commands that the device itself knows, for GetCapabilities; NULL for none, else ending with NULL. */
    const char *const *commands;
    /* NULL where there can be none. */
    const yg_children *children;
    void *context;
    /* A reading of a script. */
    void (*publish)(void *context, const char *name, double value, const char *unit);
    /* `script.<name>.state` has changed: running, stopped or failed. */
    void (*state)(void *context, const char *script, const char *state);
    void (*log)(void *context, const char *script, bool is_error, const char *text);
} yg_scripts_options;

typedef struct {
    yg_scripts_options options;
    yg_script slots[YG_SCRIPT_SLOTS];
    bool is_used[YG_SCRIPT_SLOTS];
    yg_script_world world;
} yg_scripts;

/*
 * Opens the store, loads every script that passes its checks, and starts those that weren't stopped by a command. The
 * runtime is started and has the natives. `now_ms` is any clock that goes on, modulo 2^32.
 */
void yg_scripts_open(yg_scripts *scripts, const yg_scripts_options *options, uint32_t now_ms);

/* Unloads all scripts, as a loss of power would: none is called once more. */
void yg_scripts_close(yg_scripts *scripts);

/* Calls scripts whose timers have ended, the highest priority first; at most so many calls. Returns how many it made. */
uint32_t yg_scripts_run(yg_scripts *scripts, uint32_t now_ms, uint32_t calls_max);

/*
 * Carries out a command: the payload of a COMMAND frame. Writes the payload of its COMMAND_RESULT, and returns its bytes. A
 * command that isn't about scripts is answered with `command_unknown`.
 */
uint32_t yg_scripts_command(yg_scripts *scripts, uint32_t now_ms, const uint8_t *payload, uint32_t bytes,
                            uint8_t *result, uint32_t result_bytes_max);

#endif
