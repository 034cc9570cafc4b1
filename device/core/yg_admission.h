/*
 * The check a module passes before WAMR sees it. It reads bytes that anybody may have written: every read is bounded,
 * every loop ends, nothing is allocated. It doesn't replace WAMR's own validation, which follows; it refuses what WAMR
 * would run but a device must not.
 */
#ifndef YG_ADMISSION_H
#define YG_ADMISSION_H

#include <stdint.h>

#include "yg_status.h"

/* A function a module may import. */
typedef struct {
    const char *module;
    const char *name;
} yg_import;

typedef struct {
    /* Most bytes of a module. */
    uint32_t bytes_max;
    /* Most bytes of linear memory, whole pages of page_bytes. */
    uint32_t memory_bytes_max;
    /* Bytes of a page of the port (port_page_bytes), a power of two. */
    uint32_t page_bytes;
    const yg_import *imports;
    uint32_t import_count;
} yg_admission_policy;

/* Where the parts of an admitted module are. */
typedef struct {
    /* Bytes before the data section: all that the runtime needs in RAM. */
    uint32_t code_bytes;
    /* The data section's content, NULL without one. */
    const uint8_t *data;
    uint32_t data_bytes;
    /* Bytes of linear memory. */
    uint32_t memory_bytes;
    /* Bit n is set when the module imports number n of the policy's list, counted from 1; for lists of at most 31. */
    uint32_t imports;
} yg_module_parts;

/*
 * Whether a module may be loaded; then `parts` tells where its parts are. YG_OK, or the reason why not:
 * YG_INVALID_MODULE for what is cut off or malformed, and the admission codes of yg_status.h. What is asked of a
 * module, beside size and the list of imports:
 *  - imports are functions from three i32 to one;
 *  - no memory.grow, a memory maximum of at most one 64 KiB page, and `__heap_base` and `__data_end` exported as
 *    constants, `__heap_base` whole pages: WAMR cuts the memory down to it, but checks accesses only against the end of
 *    the page, so the rest of a page would be the host's (wasm-micro-runtime issue 5080);
 *  - its first mutable i32 global starts at 0: WAMR takes one between 1 and `__heap_base` for a stack pointer and traps
 *    writes to it (issue 4941);
 *  - no start function, and of names beginning with an underscore only those two exported: WAMR calls some of them
 *    while it loads the module, without a limit of instructions;
 *  - data segments with constant addresses, inside the memory.
 */
yg_status yg_admit(const uint8_t *module, uint32_t bytes, const yg_admission_policy *policy, yg_module_parts *parts);

/* Writes an admitted module's data segments into its memory, which is as large as the module says. */
void yg_write_data(const yg_module_parts *parts, uint8_t *memory);

#endif
