#include "yg_wire.h"

static uint64_t read_varint(yg_wire *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    in->is_bad = true;
    return 0;
}

bool yg_read_field(yg_wire *in, yg_field *found)
{
    if (in->is_bad || in->at == in->end)
        return false;
    uint64_t tag = read_varint(in);
    uint64_t length = 0;
    found->field = (uint32_t)(tag >> 3);
    found->type = (uint32_t)(tag & 7);
    if (found->type == YG_VARINT)
        found->number = read_varint(in);
    else if (found->type == YG_FIXED64)
        length = 8;
    else if (found->type == YG_FIXED32)
        length = 4;
    else if (found->type == YG_BYTES)
        length = read_varint(in);
    else
        in->is_bad = true;
    if (in->is_bad || length > (uint64_t)(in->end - in->at)) {
        in->is_bad = true;
        return false;
    }
    found->bytes = (yg_wire){ in->at, in->at + length, false };
    in->at += length;
    return true;
}

uint8_t *yg_put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}
