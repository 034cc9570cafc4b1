/* A module in WAMR: admitted, loaded into a pool of the caller's, called with a limit of instructions. */
#ifndef YG_SANDBOX_H
#define YG_SANDBOX_H

#include <stdint.h>

#include "yg_admission.h"
#include "yg_status.h"

typedef struct {
    /* WAMR's own; null while nothing is loaded. */
    void *module;
    void *instance;
    void *environment;
    void *function;
    uint32_t instructions_max;
    uint32_t milliseconds_max;
    /* Bytes of the image in use. */
    uint32_t image_bytes;
} yg_sandbox;

typedef struct {
    const yg_admission_policy *policy;
    /* The one exported function that is called. */
    const char *function;
    /*
     * RAM for the module up to its data section: WAMR rewrites it in place, so it stays until the module is unloaded.
     */
    uint8_t *image;
    uint32_t image_bytes;
    /* Bytes of WebAssembly stack: locals, operands and frames of the deepest call. */
    uint32_t stack_bytes;
    /*
     * Most WebAssembly instructions of one call, 1 to INT32_MAX. One that takes the machine long counts as several:
     * wamr/metering.patch says which, and device:gate how long the dearest takes.
     */
    uint32_t instructions_max;
    /* Longest time of one call by the port's clock, looked at every thousand instructions; 0 for no limit. */
    uint32_t milliseconds_max;
} yg_sandbox_options;

/*
 * One task owns the runtime: the one that starts it. Every function below ends the program when another task calls it
 * (port_fail); other tasks send it messages (yg_queue.h).
 */

/*
 * Starts WAMR on `bytes` of memory, aligned to 8 bytes, from which it takes everything but linear memory. Once before
 * the first module. YG_NO_MEMORY when the pool is too small.
 */
yg_status yg_runtime_start(void *pool, uint32_t bytes);

/* Ends WAMR; no module may be loaded. */
void yg_runtime_stop(void);

/* Bytes of the pool, and how many of them are in use. */
void yg_runtime_memory(uint32_t *pool_bytes, uint32_t *used_bytes);

/*
 * Admits, loads and instantiates a module. The module itself may be in flash: it is only read, and only now. Refuses
 * with the codes of yg_admit, YG_INVALID_MODULE for what WAMR doesn't validate, YG_WRONG_KIND without a function of
 * that name from three i32 to one, and YG_NO_MEMORY when pool, image or linear memory are too small. After a refusal
 * nothing is loaded.
 */
yg_status yg_sandbox_load(yg_sandbox *sandbox, const uint8_t *module, uint32_t bytes,
                          const yg_sandbox_options *options);

/* What the natives of a loaded module find with wasm_runtime_get_user_data. */
void yg_sandbox_set_user(yg_sandbox *sandbox, void *user);

/* Unloads the module and overwrites its memory and its stack. Without one it does nothing. */
void yg_sandbox_unload(yg_sandbox *sandbox);

/*
 * Calls the function with three i32 and writes the i32 it returns. YG_INSTRUCTION_LIMIT, YG_TIME_LIMIT and YG_TRAPPED for a
 * call that was stopped; the module can be called again.
 */
yg_status yg_sandbox_call(yg_sandbox *sandbox, uint32_t a, uint32_t b, uint32_t c, int32_t *result);

/* Where `bytes` of the module's memory from `address` on are, or NULL unless they are all in it. */
uint8_t *yg_sandbox_memory(const yg_sandbox *sandbox, uint32_t address, uint32_t bytes);

#endif
