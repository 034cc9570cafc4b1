#include "yg_release.h"

#include <string.h>

#define NAME_OFFSET 20u
#define TARGET_OFFSET 42u
#define HASH_OFFSET 64u
#define TEXT_BYTES (YG_RELEASE_NAME_BYTES - 1u)

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A small letter, then small letters, digits, `_`, `.` and `-`, filled up with zeros. */
static bool read_text(const uint8_t *at, char text[YG_RELEASE_NAME_BYTES])
{
    memcpy(text, at, TEXT_BYTES);
    text[TEXT_BYTES] = 0;
    size_t length = strlen(text);
    if (text[0] < 'a' || text[0] > 'z')
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_letter = text[i] >= 'a' && text[i] <= 'z';
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (!is_letter && !is_digit && text[i] != '_' && text[i] != '.' && text[i] != '-')
            return false;
    }
    for (size_t i = length; i < TEXT_BYTES; i++)
        if (text[i] != 0)
            return false;
    return true;
}

bool yg_release_read(const uint8_t bytes[YG_RELEASE_MANIFEST_BYTES], yg_release *release)
{
    uint32_t kind = read_u32(bytes + 4);
    if (memcmp(bytes, "YGR1", 4) != 0 || (kind != YG_RELEASE_FIRMWARE && kind != YG_RELEASE_SCRIPT))
        return false;
    release->kind = (yg_release_kind)kind;
    release->content_bytes = read_u32(bytes + 8);
    release->version = read_u32(bytes + 12);
    release->oldest_version = read_u32(bytes + 16);
    memcpy(release->sha256, bytes + HASH_OFFSET, sizeof release->sha256);
    return read_text(bytes + NAME_OFFSET, release->name) && read_text(bytes + TARGET_OFFSET, release->target)
        && release->content_bytes > 0 && release->content_bytes <= YG_RELEASE_CONTENT_BYTES_MAX && release->version > 0
        && release->oldest_version <= release->version;
}
