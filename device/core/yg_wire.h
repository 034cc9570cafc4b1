/* Protobuf as it is on the wire: fields are read one after the other, from bytes that anybody may have written. */
#ifndef YG_WIRE_H
#define YG_WIRE_H

#include <stdbool.h>
#include <stdint.h>

/* Wire types (protobuf encoding). */
enum { YG_VARINT = 0, YG_FIXED64 = 1, YG_BYTES = 2, YG_FIXED32 = 5 };

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
} yg_wire;

typedef struct {
    uint32_t field;
    uint32_t type;
    /* Of a varint. */
    uint64_t number;
    /* Of all others. */
    yg_wire bytes;
} yg_field;

/* Writes a number as it is on the wire; returns where the next byte comes. At most YG_VARINT_BYTES. */
#define YG_VARINT_BYTES 10u
uint8_t *yg_put_varint(uint8_t *at, uint64_t value);

/* The next field. False at the end, and where the rest is no message. */
bool yg_read_field(yg_wire *in, yg_field *found);

#endif
