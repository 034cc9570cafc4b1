/* What every function of the device's core answers. Results may be read only after YG_OK. */
#ifndef YG_STATUS_H
#define YG_STATUS_H

typedef enum {
    /* Of the core itself; the numbers are those of assembly/status.ts. */
    YG_OK = 0,
    /* A 64-bit sum or product doesn't fit. */
    YG_OVERFLOW = 1,
    /* An argument is outside what the operation accepts, or isn't finite. */
    YG_OUT_OF_RANGE = 2,
    /* The tag isn't the message's tag under this key. */
    YG_TAG_MISMATCH = 3,
    /* There is nothing to work on. */
    YG_EMPTY = 4,
    /* The module has no operation of this number. */
    YG_UNKNOWN_OPERATION = 5,

    /* Of opening a module; the first three mean what they mean in assembly/host. */
    /* Not WebAssembly, or not of the kind the runtime runs. */
    YG_INVALID_MODULE = 16,
    /* It exports no function or no memory that a core has. */
    YG_WRONG_KIND = 17,
    /* The core speaks another version of the ABI. */
    YG_ABI_MISMATCH = 18,
    /* Pool or linear memory is too small for the module. */
    YG_NO_MEMORY = 19,

    /* Of admission (yg_admission.h): well-formed so far, but not allowed. */
    /* More bytes than the policy allows. */
    YG_MODULE_TOO_LARGE = 32,
    /* An import that isn't on the list. */
    YG_IMPORT_NOT_ALLOWED = 33,
    /* The code has memory.grow. */
    YG_MEMORY_GROWS = 34,
    /* No memory maximum, one above the policy's, or several memories. */
    YG_MEMORY_LIMIT = 35,
    /* `__heap_base` and `__data_end` are missing, no constants, or don't cut the memory down to allowed whole pages. */
    YG_HEAP_BASE = 36,
    /* The first mutable i32 global doesn't start at 0. */
    YG_FIRST_GLOBAL = 37,
    /* It would run code while it is loaded, where no limit of instructions holds. */
    YG_RUNS_AT_LOAD = 38,
    /* An instruction outside the WebAssembly 1.0 set with sign extension and saturating conversions. */
    YG_INSTRUCTION_NOT_ALLOWED = 39,

    /* Of a call. The module's memory may be half-written; its next call starts afresh. */
    /* It ran as many instructions as a call may. */
    YG_INSTRUCTION_LIMIT = 48,
    /* It trapped: unreachable, an access outside memory, a division by zero, too deep a recursion. */
    YG_TRAPPED = 49,
    /* It answered a status that has no place here: a broken core. */
    YG_REFUSED = 50,
    /* It ran as long as a call may, by the port's clock. */
    YG_TIME_LIMIT = 51,

    /* Of the queue (yg_queue.h): there is no slot for another message. */
    YG_QUEUE_FULL = 64,
} yg_status;

#endif
