/* What a script is and may use: the 100 bytes that its owner signs. docs/scripts.md has the layout. */
#ifndef YG_MANIFEST_H
#define YG_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_script_code.h"

#define YG_MANIFEST_BYTES 100u
#define YG_SIGNATURE_BYTES 64u
/* What stands before the module in a package. */
#define YG_HEAD_BYTES (YG_MANIFEST_BYTES + YG_SIGNATURE_BYTES)
#define YG_SCRIPT_NAME_BYTES 24u
#define YG_SCRIPT_ABI_VERSION 1u

/* The same limits as in device/scripts/limits.ts. */
#define YG_SCRIPT_MODULE_BYTES_MAX 16384u
#define YG_SCRIPT_MEMORY_BYTES_MAX 4096u
#define YG_SCRIPT_STACK_BYTES_MAX 2048u
#define YG_SCRIPT_INSTRUCTIONS_MAX 2000000u
#define YG_SCRIPT_CALL_MS_MAX 1000u
#define YG_SCRIPT_CALLS_PER_SECOND_MAX 100u
#define YG_SCRIPT_BYTES_PER_MINUTE_MAX 65536u
#define YG_SCRIPT_PRIORITY_MAX 7u

typedef struct {
    char name[YG_SCRIPT_NAME_BYTES];
    uint32_t module_bytes;
    uint32_t version;
    uint32_t memory_bytes;
    uint32_t stack_bytes;
    uint32_t instructions_max;
    uint32_t call_ms_max;
    uint32_t calls_per_second_max;
    uint32_t bytes_per_minute_max;
    uint32_t priority;
} yg_manifest;

/* Where the module's SHA-256 is in a manifest. */
#define YG_MANIFEST_HASH_OFFSET 68u

/* Reads 100 bytes that anybody may have written. YG_SCRIPT_DONE, or why no device takes them. */
yg_script_code yg_manifest_read(const uint8_t bytes[YG_MANIFEST_BYTES], yg_manifest *manifest);

/* Whether a script may have this name: a letter, then letters, digits and _, all small, at most 23. */
bool yg_is_script_name(const char *name);

#endif
