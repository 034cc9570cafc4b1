#include "yg_manifest.h"

#include <stddef.h>
#include <string.h>

#define PAGE_BYTES 256u
#define NAME_OFFSET 44u
#define ARCHITECTURE_WASM32 1u

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t read_u16(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

bool yg_is_script_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= YG_SCRIPT_NAME_BYTES || name[0] < 'a' || name[0] > 'z')
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_letter = name[i] >= 'a' && name[i] <= 'z';
        bool is_digit = name[i] >= '0' && name[i] <= '9';
        if (!is_letter && !is_digit && name[i] != '_')
            return false;
    }
    return true;
}

/* Filled up with zeros, and ended by one. */
static bool read_name(const uint8_t *at, char name[YG_SCRIPT_NAME_BYTES])
{
    memcpy(name, at, YG_SCRIPT_NAME_BYTES);
    if (name[YG_SCRIPT_NAME_BYTES - 1] != 0 || !yg_is_script_name(name))
        return false;
    for (size_t i = strlen(name); i < YG_SCRIPT_NAME_BYTES; i++)
        if (name[i] != 0)
            return false;
    return true;
}

static bool is_within(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static bool has_good_limits(const yg_manifest *manifest)
{
    return manifest->version > 0 && manifest->module_bytes > 0 && manifest->memory_bytes % PAGE_BYTES == 0
        && is_within(manifest->stack_bytes, 1, YG_SCRIPT_STACK_BYTES_MAX)
        && is_within(manifest->instructions_max, 1, YG_SCRIPT_INSTRUCTIONS_MAX)
        && is_within(manifest->call_ms_max, 1, YG_SCRIPT_CALL_MS_MAX)
        && is_within(manifest->calls_per_second_max, 1, YG_SCRIPT_CALLS_PER_SECOND_MAX)
        && manifest->bytes_per_minute_max <= YG_SCRIPT_BYTES_PER_MINUTE_MAX
        && manifest->priority <= YG_SCRIPT_PRIORITY_MAX;
}

yg_script_code yg_manifest_read(const uint8_t bytes[YG_MANIFEST_BYTES], yg_manifest *manifest)
{
    memset(manifest, 0, sizeof *manifest);
    if (memcmp(bytes, "YGS1", 4) != 0 || !read_name(bytes + NAME_OFFSET, manifest->name))
        return YG_SCRIPT_MANIFEST_MALFORMED;
    if (read_u16(bytes + 4) != YG_SCRIPT_ABI_VERSION || read_u16(bytes + 6) != ARCHITECTURE_WASM32)
        return YG_SCRIPT_ABI_UNSUPPORTED;
    manifest->module_bytes = read_u32(bytes + 8);
    manifest->version = read_u32(bytes + 12);
    manifest->memory_bytes = read_u32(bytes + 16);
    manifest->stack_bytes = read_u32(bytes + 20);
    manifest->instructions_max = read_u32(bytes + 24);
    manifest->call_ms_max = read_u32(bytes + 28);
    manifest->calls_per_second_max = read_u32(bytes + 32);
    manifest->bytes_per_minute_max = read_u32(bytes + 36);
    manifest->priority = read_u32(bytes + 40);
    if (manifest->module_bytes > YG_SCRIPT_MODULE_BYTES_MAX || manifest->memory_bytes > YG_SCRIPT_MEMORY_BYTES_MAX)
        return YG_SCRIPT_TOO_LARGE;
    return has_good_limits(manifest) ? YG_SCRIPT_DONE : YG_SCRIPT_MANIFEST_MALFORMED;
}
