#include "yg_instructions.h"

enum {
    OP_MEMORY_GROW = 0x40,
    OP_PREFIX_FC = 0xfc,
    /* The last of the saturating conversions behind the prefix; bulk memory follows. */
    OP_FC_SATURATING_LAST = 7,
    BRANCH_DEPTH_MAX = 255,
};

static void read_memory_argument(yg_reader *in)
{
    yg_read_u32(in);
    yg_read_u32(in);
}

/*
 * WAMR keeps a table with a deeper label in a list, which it walks at each branch: time that nobody would be charged for.
 */
static void read_branch_table(yg_reader *in)
{
    uint32_t count = yg_read_u32(in);
    for (uint32_t i = 0; i <= count && yg_is_good(in); i++)
        if (yg_read_u32(in) > BRANCH_DEPTH_MAX)
            yg_refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
}

/* The index of the one memory or table there may be. WAMR reads longer encodings in one place and not in another. */
static void read_zero(yg_reader *in)
{
    if (yg_read_byte(in) != 0)
        yg_refuse(in, YG_INVALID_MODULE);
}

static void read_block_type(yg_reader *in)
{
    uint8_t type = yg_read_byte(in);
    if (type != YG_TYPE_EMPTY && !yg_is_value_type(type))
        yg_refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
}

/* One instruction and its immediates (core specification, 5.4). Anything that isn't known here is refused. */
static void check_instruction(yg_reader *in)
{
    uint8_t operation = yg_read_byte(in);
    if (operation >= 0x45 && operation <= 0xc4)
        return;
    if (operation >= 0x28 && operation <= 0x3e) {
        read_memory_argument(in);
        return;
    }
    switch (operation) {
    case 0x00: /* unreachable */
    case 0x01: /* nop */
    case 0x05: /* else */
    case YG_OP_END:
    case 0x0f: /* return */
    case 0x1a: /* drop */
    case 0x1b: /* select */
        return;
    case 0x02: /* block */
    case 0x03: /* loop */
    case 0x04: /* if */
        read_block_type(in);
        return;
    case 0x0c: /* br */
    case 0x0d: /* br_if */
    case 0x10: /* call */
    case 0x20: /* local.get */
    case 0x21: /* local.set */
    case 0x22: /* local.tee */
    case YG_OP_GLOBAL_GET:
    case 0x24: /* global.set */
        yg_read_u32(in);
        return;
    case 0x0e:
        read_branch_table(in);
        return;
    case 0x11: /* call_indirect: type, table */
        yg_read_u32(in);
        read_zero(in);
        return;
    case 0x3f: /* memory.size */
        read_zero(in);
        return;
    case OP_MEMORY_GROW:
        yg_refuse(in, YG_MEMORY_GROWS);
        return;
    case YG_OP_I32_CONST:
        yg_read_signed(in, 32);
        return;
    case YG_OP_I64_CONST:
        yg_read_signed(in, 64);
        return;
    case YG_OP_F32_CONST:
        yg_read_bytes(in, 4);
        return;
    case YG_OP_F64_CONST:
        yg_read_bytes(in, 8);
        return;
    case OP_PREFIX_FC:
        if (yg_read_u32(in) > OP_FC_SATURATING_LAST)
            yg_refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
        return;
    default:
        yg_refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
    }
}

void yg_check_code(yg_reader *in)
{
    uint32_t count = yg_read_u32(in);
    for (uint32_t i = 0; i < count && yg_is_good(in); i++) {
        yg_reader body = yg_read_part(in, yg_read_u32(in));
        uint32_t groups = yg_read_u32(&body);
        for (uint32_t j = 0; j < groups && yg_is_good(&body); j++) {
            yg_read_u32(&body);
            if (!yg_is_value_type(yg_read_byte(&body)))
                yg_refuse(&body, YG_INVALID_MODULE);
        }
        while (yg_is_good(&body) && body.at != body.end)
            check_instruction(&body);
        if (!yg_is_good(&body))
            yg_refuse(in, body.status);
    }
    yg_require_end(in);
}
