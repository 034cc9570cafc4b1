/*
 * Reads the binary format of WebAssembly (core specification, 5) from bytes that anybody may have written: no read leaves
 * them, and after the first failure everything that is read is zero and nothing is left.
 */
#ifndef YG_READER_H
#define YG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_status.h"

/* Types of values, and the type of a block without result (core specification, 5.3). */
enum { YG_TYPE_I32 = 0x7f, YG_TYPE_I64 = 0x7e, YG_TYPE_F32 = 0x7d, YG_TYPE_F64 = 0x7c, YG_TYPE_EMPTY = 0x40 };

/* Instructions of constant expressions (core specification, 5.4). */
enum {
    YG_OP_END = 0x0b,
    YG_OP_GLOBAL_GET = 0x23,
    YG_OP_I32_CONST = 0x41,
    YG_OP_I64_CONST = 0x42,
    YG_OP_F32_CONST = 0x43,
    YG_OP_F64_CONST = 0x44,
};

/* Bytes yet to be read, and YG_OK or the first failure. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    yg_status status;
} yg_reader;

/* Notes the failure, unless there was one before, and leaves nothing to read. */
void yg_refuse(yg_reader *in, yg_status status);
bool yg_is_good(const yg_reader *in);
/* Bytes that are left. */
uint32_t yg_left(const yg_reader *in);

/* Those below fail with YG_INVALID_MODULE. */
uint8_t yg_read_byte(yg_reader *in);
/* Their start; NULL after a failure. */
const uint8_t *yg_read_bytes(yg_reader *in, uint32_t count);
/* LEB128, at most five bytes, without bits beyond 32 (core specification, 5.2.2). */
uint32_t yg_read_u32(yg_reader *in);
/* Signed LEB128 of a number of `width` bits, 32 or 64, whose further bits are its sign; the low 32 are returned. */
uint32_t yg_read_signed(yg_reader *in, unsigned width);
/* The next bytes, to be read on their own. */
yg_reader yg_read_part(yg_reader *in, uint32_t bytes);
yg_reader yg_read_name(yg_reader *in);
/* Every part must be used up by its entries; WAMR reads on where a section says it ends. */
void yg_require_end(yg_reader *in);

bool yg_is_name(const yg_reader *name, const char *text);
bool yg_is_value_type(uint8_t type);

#endif
