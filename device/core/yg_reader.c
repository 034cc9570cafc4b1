#include "yg_reader.h"

#include <string.h>

void yg_refuse(yg_reader *in, yg_status status)
{
    if (in->status == YG_OK)
        in->status = status;
    in->at = in->end;
}

bool yg_is_good(const yg_reader *in)
{
    return in->status == YG_OK;
}

uint32_t yg_left(const yg_reader *in)
{
    return (uint32_t)(in->end - in->at);
}

uint8_t yg_read_byte(yg_reader *in)
{
    if (in->at == in->end) {
        yg_refuse(in, YG_INVALID_MODULE);
        return 0;
    }
    return *in->at++;
}

const uint8_t *yg_read_bytes(yg_reader *in, uint32_t count)
{
    const uint8_t *start = in->at;
    if (count > yg_left(in)) {
        yg_refuse(in, YG_INVALID_MODULE);
        return NULL;
    }
    in->at += count;
    return start;
}

uint32_t yg_read_u32(yg_reader *in)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = yg_read_byte(in);
        if (shift == 28 && byte > 0x0f)
            break;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return yg_is_good(in) ? value : 0;
    }
    yg_refuse(in, YG_INVALID_MODULE);
    return 0;
}

/* Whether the bits of the last byte beyond the `used` lowest ones are copies of the sign. */
static bool is_sign_extended(uint8_t byte, unsigned used)
{
    uint8_t beyond = (uint8_t)(0x7f & ~((1u << (used - 1)) - 1));
    return (byte & beyond) == 0 || (byte & beyond) == beyond;
}

uint32_t yg_read_signed(yg_reader *in, unsigned width)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < width; shift += 7) {
        uint8_t byte = yg_read_byte(in);
        if (shift + 7 > width && (byte >= 0x80 || !is_sign_extended(byte, width - shift)))
            break;
        if (shift < 32)
            value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        if ((byte & 0x40) != 0 && shift + 7 < 32)
            value |= ~(uint32_t)0 << (shift + 7);
        return yg_is_good(in) ? value : 0;
    }
    yg_refuse(in, YG_INVALID_MODULE);
    return 0;
}

yg_reader yg_read_part(yg_reader *in, uint32_t bytes)
{
    const uint8_t *start = yg_read_bytes(in, bytes);
    yg_reader part = { start, start == NULL ? NULL : start + bytes, in->status };
    return part;
}

yg_reader yg_read_name(yg_reader *in)
{
    return yg_read_part(in, yg_read_u32(in));
}

bool yg_is_name(const yg_reader *name, const char *text)
{
    size_t length = strlen(text);
    return name->at != NULL && yg_left(name) == length && memcmp(name->at, text, length) == 0;
}

bool yg_is_value_type(uint8_t type)
{
    return type >= YG_TYPE_F64 && type <= YG_TYPE_I32;
}

void yg_require_end(yg_reader *in)
{
    if (in->at != in->end)
        yg_refuse(in, YG_INVALID_MODULE);
}
