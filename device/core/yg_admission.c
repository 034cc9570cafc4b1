#include "yg_admission.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WASM_PAGE_BYTES 65536u

enum {
    SECTION_CUSTOM = 0,
    SECTION_IMPORT = 2,
    SECTION_MEMORY = 5,
    SECTION_GLOBAL = 6,
    SECTION_EXPORT = 7,
    SECTION_START = 8,
    SECTION_CODE = 10,
    SECTION_DATA = 11,
    SECTION_LAST = SECTION_DATA,
};

enum { KIND_FUNCTION = 0, KIND_GLOBAL = 3 };

enum { TYPE_I32 = 0x7f, TYPE_I64 = 0x7e, TYPE_F32 = 0x7d, TYPE_F64 = 0x7c, TYPE_EMPTY = 0x40 };

enum {
    OP_END = 0x0b,
    OP_GLOBAL_GET = 0x23,
    OP_MEMORY_GROW = 0x40,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_F32_CONST = 0x43,
    OP_F64_CONST = 0x44,
    OP_PREFIX_FC = 0xfc,
    /* The last of the saturating conversions behind the prefix; bulk memory follows. */
    OP_FC_SATURATING_LAST = 7,
};

/* Bytes yet to be read. After the first failure `status` is set and everything that is read is zero. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    yg_status status;
} reader;

typedef struct {
    const yg_admission_policy *policy;
    /* The global section's content, to look exported globals up in. */
    reader globals;
    bool has_memory;
    uint32_t initial_memory_bytes;
    bool has_heap_base;
    bool has_data_end;
    uint32_t heap_base;
    uint32_t data_end;
    /* The end of the last data segment. */
    uint64_t last_data_end;
    yg_module_parts *parts;
} module_facts;

static void refuse(reader *in, yg_status status)
{
    if (in->status == YG_OK)
        in->status = status;
    in->at = in->end;
}

static bool is_good(const reader *in)
{
    return in->status == YG_OK;
}

static uint32_t left(const reader *in)
{
    return (uint32_t)(in->end - in->at);
}

static uint8_t read_byte(reader *in)
{
    if (in->at == in->end) {
        refuse(in, YG_INVALID_MODULE);
        return 0;
    }
    return *in->at++;
}

static const uint8_t *read_bytes(reader *in, uint32_t count)
{
    const uint8_t *start = in->at;
    if (count > left(in)) {
        refuse(in, YG_INVALID_MODULE);
        return NULL;
    }
    in->at += count;
    return start;
}

/* LEB128, at most five bytes, without bits beyond 32 (WebAssembly core specification, 5.2.2). */
static uint32_t read_u32(reader *in)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = read_byte(in);
        if (shift == 28 && byte > 0x0f)
            break;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return is_good(in) ? value : 0;
    }
    refuse(in, YG_INVALID_MODULE);
    return 0;
}

/* Signed LEB128 of `bits` bits; the low 32 of them are returned. WAMR checks the bits beyond. */
static uint32_t read_signed(reader *in, unsigned bits)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t byte = read_byte(in);
        if (shift < 32)
            value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        if ((byte & 0x40) != 0 && shift + 7 < 32)
            value |= ~(uint32_t)0 << (shift + 7);
        return is_good(in) ? value : 0;
    }
    refuse(in, YG_INVALID_MODULE);
    return 0;
}

static reader read_part(reader *in, uint32_t bytes)
{
    const uint8_t *start = read_bytes(in, bytes);
    reader part = { start, start == NULL ? NULL : start + bytes, in->status };
    return part;
}

static reader read_name(reader *in)
{
    return read_part(in, read_u32(in));
}

static bool is_name(const reader *name, const char *text)
{
    size_t length = strlen(text);
    return name->at != NULL && left(name) == length && memcmp(name->at, text, length) == 0;
}

static bool is_value_type(uint8_t type)
{
    return type >= TYPE_F64 && type <= TYPE_I32;
}

/* Every part of a section must be used up by its entries; WAMR reads on where a section says it ends. */
static void require_end(reader *in)
{
    if (in->at != in->end)
        refuse(in, YG_INVALID_MODULE);
}

static bool is_allowed(const yg_admission_policy *policy, const reader *module, const reader *name)
{
    for (uint32_t i = 0; i < policy->import_count; i++)
        if (is_name(module, policy->imports[i].module) && is_name(name, policy->imports[i].name))
            return true;
    return false;
}

static void check_imports(reader *in, const module_facts *facts)
{
    uint32_t count = read_u32(in);
    for (uint32_t i = 0; i < count && is_good(in); i++) {
        reader module = read_name(in);
        reader name = read_name(in);
        uint8_t kind = read_byte(in);
        if (!is_good(in))
            return;
        /* An imported memory, table or global would be one that no rule below has seen. */
        if (kind != KIND_FUNCTION || !is_allowed(facts->policy, &module, &name)) {
            refuse(in, YG_IMPORT_NOT_ALLOWED);
            return;
        }
        read_u32(in);
    }
    require_end(in);
}

static void check_memories(reader *in, module_facts *facts)
{
    uint32_t count = read_u32(in);
    if (count == 0) {
        require_end(in);
        return;
    }
    uint8_t flags = read_byte(in);
    uint32_t initial = read_u32(in);
    if (is_good(in) && (count > 1 || flags != 1)) {
        refuse(in, YG_MEMORY_LIMIT);
        return;
    }
    uint32_t maximum = read_u32(in);
    if (initial > 1 || maximum > 1)
        refuse(in, YG_MEMORY_LIMIT);
    facts->has_memory = true;
    facts->initial_memory_bytes = initial * WASM_PAGE_BYTES;
    require_end(in);
}

typedef struct {
    uint8_t type;
    bool is_mutable;
    bool is_i32_constant;
    uint32_t value;
} global;

static global read_global(reader *in)
{
    global found = { 0 };
    found.type = read_byte(in);
    uint8_t mutability = read_byte(in);
    uint8_t operation = read_byte(in);
    found.is_mutable = mutability == 1;
    found.is_i32_constant = operation == OP_I32_CONST;
    switch (operation) {
    case OP_I32_CONST:
        found.value = read_signed(in, 35);
        break;
    case OP_I64_CONST:
        read_signed(in, 70);
        break;
    case OP_F32_CONST:
        read_bytes(in, 4);
        break;
    case OP_F64_CONST:
        read_bytes(in, 8);
        break;
    case OP_GLOBAL_GET:
        read_u32(in);
        break;
    default:
        refuse(in, YG_INVALID_MODULE);
    }
    if (read_byte(in) != OP_END || mutability > 1 || !is_value_type(found.type))
        refuse(in, YG_INVALID_MODULE);
    return found;
}

static void check_globals(reader *in, module_facts *facts)
{
    bool is_first = true;
    facts->globals = *in;
    uint32_t count = read_u32(in);
    for (uint32_t i = 0; i < count && is_good(in); i++) {
        global found = read_global(in);
        if (!found.is_mutable || found.type != TYPE_I32)
            continue;
        if (is_first && is_good(in) && (!found.is_i32_constant || found.value != 0))
            refuse(in, YG_FIRST_GLOBAL);
        is_first = false;
    }
    require_end(in);
}

/* The value of an exported global: a constant i32, or a refusal. */
static uint32_t read_bound(reader *in, const module_facts *facts, uint32_t index)
{
    reader globals = facts->globals;
    uint32_t count = globals.at == NULL ? 0 : read_u32(&globals);
    global found = { 0 };
    for (uint32_t i = 0; i <= index && i < count && is_good(&globals); i++)
        found = read_global(&globals);
    if (index >= count || found.is_mutable || found.type != TYPE_I32 || !found.is_i32_constant)
        refuse(in, YG_HEAP_BASE);
    return found.value;
}

static void check_exports(reader *in, module_facts *facts)
{
    uint32_t count = read_u32(in);
    for (uint32_t i = 0; i < count && is_good(in); i++) {
        reader name = read_name(in);
        uint8_t kind = read_byte(in);
        uint32_t index = read_u32(in);
        if (!is_good(in) || left(&name) == 0 || *name.at != '_')
            continue;
        bool is_heap_base = is_name(&name, "__heap_base");
        bool is_data_end = is_name(&name, "__data_end");
        if (!is_heap_base && !is_data_end) {
            refuse(in, YG_RUNS_AT_LOAD);
        } else if (kind != KIND_GLOBAL || (is_heap_base ? facts->has_heap_base : facts->has_data_end)) {
            refuse(in, YG_HEAP_BASE);
        } else if (is_heap_base) {
            facts->has_heap_base = true;
            facts->heap_base = read_bound(in, facts, index);
        } else {
            facts->has_data_end = true;
            facts->data_end = read_bound(in, facts, index);
        }
    }
    require_end(in);
}

static void read_memory_argument(reader *in)
{
    read_u32(in);
    read_u32(in);
}

static void read_branch_table(reader *in)
{
    uint32_t count = read_u32(in);
    for (uint32_t i = 0; i < count && is_good(in); i++)
        read_u32(in);
    read_u32(in);
}

static void read_block_type(reader *in)
{
    uint8_t type = read_byte(in);
    if (type != TYPE_EMPTY && !is_value_type(type))
        refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
}

/* One instruction and its immediates (core specification, 5.4). Anything that isn't known here is refused. */
static void check_instruction(reader *in)
{
    uint8_t operation = read_byte(in);
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
    case OP_END:
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
    case OP_GLOBAL_GET:
    case 0x24: /* global.set */
        read_u32(in);
        return;
    case 0x0e:
        read_branch_table(in);
        return;
    case 0x11: /* call_indirect: type, table */
        read_u32(in);
        read_u32(in);
        return;
    case 0x3f: /* memory.size */
        read_byte(in);
        return;
    case OP_MEMORY_GROW:
        refuse(in, YG_MEMORY_GROWS);
        return;
    case OP_I32_CONST:
        read_signed(in, 35);
        return;
    case OP_I64_CONST:
        read_signed(in, 70);
        return;
    case OP_F32_CONST:
        read_bytes(in, 4);
        return;
    case OP_F64_CONST:
        read_bytes(in, 8);
        return;
    case OP_PREFIX_FC:
        if (read_u32(in) > OP_FC_SATURATING_LAST)
            refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
        return;
    default:
        refuse(in, YG_INSTRUCTION_NOT_ALLOWED);
    }
}

static void check_code(reader *in)
{
    uint32_t count = read_u32(in);
    for (uint32_t i = 0; i < count && is_good(in); i++) {
        reader body = read_part(in, read_u32(in));
        uint32_t groups = read_u32(&body);
        for (uint32_t j = 0; j < groups && is_good(&body); j++) {
            read_u32(&body);
            if (!is_value_type(read_byte(&body)))
                refuse(&body, YG_INVALID_MODULE);
        }
        while (is_good(&body) && body.at != body.end)
            check_instruction(&body);
        if (!is_good(&body))
            refuse(in, body.status);
    }
    require_end(in);
}

typedef struct {
    uint32_t address;
    uint32_t bytes;
    const uint8_t *content;
} segment;

/* An active segment of memory 0 at a constant address; the other kinds belong to bulk memory. */
static segment read_segment(reader *in)
{
    segment found = { 0 };
    uint32_t kind = read_u32(in);
    uint8_t operation = read_byte(in);
    found.address = read_signed(in, 35);
    if (kind != 0 || operation != OP_I32_CONST || read_byte(in) != OP_END)
        refuse(in, YG_INVALID_MODULE);
    found.bytes = read_u32(in);
    found.content = read_bytes(in, found.bytes);
    return found;
}

static void check_data(reader *in, module_facts *facts)
{
    facts->parts->data = in->at;
    facts->parts->data_bytes = left(in);
    uint32_t count = read_u32(in);
    for (uint32_t i = 0; i < count && is_good(in); i++) {
        segment found = read_segment(in);
        uint64_t end = (uint64_t)found.address + found.bytes;
        if (end > facts->last_data_end)
            facts->last_data_end = end;
    }
    require_end(in);
}

static void check_section(uint8_t id, reader *in, module_facts *facts)
{
    switch (id) {
    case SECTION_IMPORT:
        check_imports(in, facts);
        break;
    case SECTION_MEMORY:
        check_memories(in, facts);
        break;
    case SECTION_GLOBAL:
        check_globals(in, facts);
        break;
    case SECTION_EXPORT:
        check_exports(in, facts);
        break;
    case SECTION_START:
        refuse(in, YG_RUNS_AT_LOAD);
        break;
    case SECTION_CODE:
        check_code(in);
        break;
    case SECTION_DATA:
        check_data(in, facts);
        break;
    default:
        /* Custom, type, function, table and element: WAMR validates what is in them. */
        break;
    }
}

static yg_status check_bounds(const module_facts *facts)
{
    if (facts->last_data_end > (facts->has_memory ? facts->heap_base : 0))
        return YG_INVALID_MODULE;
    if (!facts->has_memory)
        return facts->has_heap_base || facts->has_data_end ? YG_HEAP_BASE : YG_OK;
    if (!facts->has_heap_base || !facts->has_data_end)
        return YG_HEAP_BASE;
    uint32_t heap_base = facts->heap_base;
    if (heap_base == 0 || (heap_base & (facts->policy->page_bytes - 1)) != 0 || facts->data_end > heap_base)
        return YG_HEAP_BASE;
    /* WAMR cuts only down: with a smaller start the memory would stay what the section says. */
    if (heap_base > facts->initial_memory_bytes)
        return YG_HEAP_BASE;
    return heap_base > facts->policy->memory_bytes_max ? YG_MEMORY_LIMIT : YG_OK;
}

yg_status yg_admit(const uint8_t *module, uint32_t bytes, const yg_admission_policy *policy, yg_module_parts *parts)
{
    static const uint8_t HEADER[8] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };
    if (bytes > policy->bytes_max)
        return YG_MODULE_TOO_LARGE;
    reader in = { module, module + bytes, YG_OK };
    const uint8_t *header = read_bytes(&in, sizeof HEADER);
    if (header == NULL || memcmp(header, HEADER, sizeof HEADER) != 0)
        return YG_INVALID_MODULE;
    *parts = (yg_module_parts){ .code_bytes = bytes };
    module_facts facts = { .policy = policy, .parts = parts };
    uint8_t last = SECTION_CUSTOM;
    while (is_good(&in) && in.at != in.end) {
        uint32_t start = bytes - left(&in);
        uint8_t id = read_byte(&in);
        reader section = read_part(&in, read_u32(&in));
        if (!is_good(&in))
            break;
        /* Each section once and in order, so that none is seen here and replaced behind. */
        if (id > SECTION_LAST || (id != SECTION_CUSTOM && id <= last))
            return YG_INVALID_MODULE;
        if (id != SECTION_CUSTOM)
            last = id;
        if (id == SECTION_DATA)
            parts->code_bytes = start;
        check_section(id, &section, &facts);
        if (!is_good(&section))
            return section.status;
    }
    return is_good(&in) ? check_bounds(&facts) : in.status;
}

void yg_write_data(const yg_module_parts *parts, uint8_t *memory)
{
    if (parts->data == NULL)
        return;
    reader in = { parts->data, parts->data + parts->data_bytes, YG_OK };
    uint32_t count = read_u32(&in);
    for (uint32_t i = 0; i < count && is_good(&in); i++) {
        segment found = read_segment(&in);
        if (found.bytes > 0)
            memcpy(memory + found.address, found.content, found.bytes);
    }
}
