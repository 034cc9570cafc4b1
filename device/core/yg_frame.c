#include "yg_frame.h"

#include <string.h>

#include "yg_wire.h"

#define VERSION 1u
#define TAG_HEADER 0x0a
#define TAG_PAYLOAD 0x12
#define TAG_STREAM_OFFSET 0x18
#define TAG_SIGNATURE 0x22
#define HEADER_FIELDS 10u
/* 2^53 - 1: the largest number of a header. */
#define NUMBER_MAX 9007199254740991u
/* The numbers of a header: version, type, delivery, nonce, made_by_server; all other fields are ids. */
#define NUMBERS (1u << 1 | 1u << 2 | 1u << 3 | 1u << 8 | 1u << 10)

static uint8_t *id_of(yg_frame *frame, uint32_t field)
{
    switch (field) {
    case 4:
        return frame->id;
    case 5:
        return frame->network_id;
    case 6:
        return frame->source_id;
    case 7:
        return frame->destination_id;
    default:
        return frame->correlation_id;
    }
}

/* Fields come in the order of their numbers, each at most once. */
static bool read_header(yg_wire in, yg_frame *frame)
{
    uint64_t numbers[HEADER_FIELDS + 1] = { 0 };
    uint32_t seen = 0;
    yg_field found;
    while (yg_read_field(&in, &found)) {
        bool is_number = found.field <= HEADER_FIELDS && (NUMBERS >> found.field & 1) != 0;
        if (found.field == 0 || found.field > HEADER_FIELDS || seen >> found.field != 0)
            return false;
        seen |= 1u << found.field;
        if (found.type != (is_number ? YG_VARINT : YG_BYTES))
            return false;
        if (is_number && found.number > NUMBER_MAX)
            return false;
        if (is_number)
            numbers[found.field] = found.number;
        else if (found.bytes.end - found.bytes.at != YG_ID_BYTES)
            return false;
        else
            memcpy(id_of(frame, found.field), found.bytes.at, YG_ID_BYTES);
    }
    uint32_t ids = 1u << 4 | 1u << 5 | 1u << 6;
    if (in.is_bad || numbers[1] != VERSION || numbers[10] > 1 || (seen & ids) != ids || numbers[2] > UINT32_MAX
        || numbers[3] > UINT32_MAX)
        return false;
    frame->type = (uint32_t)numbers[2];
    frame->delivery = (uint32_t)numbers[3];
    frame->nonce = numbers[8];
    frame->is_made_by_server = numbers[10] == 1;
    frame->has_destination = (seen & 1u << 7) != 0;
    frame->has_correlation = (seen & 1u << 9) != 0;
    return true;
}

bool yg_frame_read(const uint8_t *bytes, uint32_t count, yg_frame *frame)
{
    yg_wire in = { bytes, bytes + count, false };
    yg_field found;
    memset(frame, 0, sizeof *frame);
    if (count == 0 || *in.at != TAG_HEADER || !yg_read_field(&in, &found) || !read_header(found.bytes, frame))
        return false;
    if (in.at == in.end || *in.at != TAG_PAYLOAD || !yg_read_field(&in, &found))
        return false;
    frame->payload = found.bytes.at;
    frame->payload_bytes = (uint32_t)(found.bytes.end - found.bytes.at);
    if (in.at != in.end && *in.at == TAG_STREAM_OFFSET && (!yg_read_field(&in, &found) || found.number > NUMBER_MAX))
        return false;
    return in.end - in.at == YG_FRAME_SIGNATURE_BYTES + 2 && in.at[0] == TAG_SIGNATURE
        && in.at[1] == YG_FRAME_SIGNATURE_BYTES;
}

static uint8_t *put_number(uint8_t *at, uint32_t field, uint64_t value)
{
    if (value == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | YG_VARINT);
    return yg_put_varint(at, value);
}

static uint8_t *put_id(uint8_t *at, uint32_t field, const uint8_t id[YG_ID_BYTES])
{
    *at++ = (uint8_t)(field << 3 | YG_BYTES);
    *at++ = YG_ID_BYTES;
    memcpy(at, id, YG_ID_BYTES);
    return at + YG_ID_BYTES;
}

uint32_t yg_frame_write(const yg_frame *frame, uint8_t *to, uint32_t room)
{
    /* Shorter than 128 bytes, so that its length is one. */
    uint8_t header[YG_FRAME_OVERHEAD_BYTES];
    if (room < YG_FRAME_OVERHEAD_BYTES || frame->payload_bytes > room - YG_FRAME_OVERHEAD_BYTES)
        return 0;
    uint8_t *at = put_number(put_number(put_number(header, 1, VERSION), 2, frame->type), 3, frame->delivery);
    at = put_id(put_id(put_id(at, 4, frame->id), 5, frame->network_id), 6, frame->source_id);
    if (frame->has_destination)
        at = put_id(at, 7, frame->destination_id);
    at = put_number(at, 8, frame->nonce);
    if (frame->has_correlation)
        at = put_id(at, 9, frame->correlation_id);
    uint32_t header_bytes = (uint32_t)(at - header);
    uint8_t *out = to;
    *out++ = TAG_HEADER;
    out = yg_put_varint(out, header_bytes);
    memcpy(out, header, header_bytes);
    out += header_bytes;
    *out++ = TAG_PAYLOAD;
    out = yg_put_varint(out, frame->payload_bytes);
    memmove(out, frame->payload, frame->payload_bytes);
    out += frame->payload_bytes;
    *out++ = TAG_SIGNATURE;
    *out++ = YG_FRAME_SIGNATURE_BYTES;
    return (uint32_t)(out - to) + YG_FRAME_SIGNATURE_BYTES;
}

uint32_t yg_frame_signed_bytes(uint32_t frame_bytes)
{
    return frame_bytes - YG_FRAME_SIGNATURE_BYTES - 2;
}
