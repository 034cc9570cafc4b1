#include "yg_admission.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "yg_instructions.h"
#include "yg_reader.h"

#define WASM_PAGE_BYTES 65536u

enum {
    SECTION_CUSTOM = 0,
    SECTION_TYPE = 1,
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

typedef struct {
    const yg_admission_policy *policy;
    /* The type section's content, to look the types of imports up in. */
    yg_reader types;
    /* The global section's content, to look exported globals up in. */
    yg_reader globals;
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

/* Its number on the list, counted from 1; 0 for what isn't on it. */
static uint32_t find_import(const yg_admission_policy *policy, const yg_reader *module, const yg_reader *name)
{
    for (uint32_t i = 0; i < policy->import_count; i++)
        if (yg_is_name(module, policy->imports[i].module) && yg_is_name(name, policy->imports[i].name))
            return i + 1;
    return 0;
}

/* Whether a type is that of all natives: from three i32 to one. WAMR would take another, and trap when it is called. */
static bool is_native_type(const module_facts *facts, uint32_t index)
{
    static const uint8_t NATIVE_TYPE[] = { 0x60, 3, YG_TYPE_I32, YG_TYPE_I32, YG_TYPE_I32, 1, YG_TYPE_I32 };
    yg_reader types = facts->types;
    uint32_t count = types.at == NULL ? 0 : yg_read_u32(&types);
    if (index >= count)
        return false;
    for (uint32_t i = 0; i < index && yg_is_good(&types); i++) {
        yg_read_byte(&types);
        yg_read_bytes(&types, yg_read_u32(&types));
        yg_read_bytes(&types, yg_read_u32(&types));
    }
    const uint8_t *type = yg_read_bytes(&types, sizeof NATIVE_TYPE);
    return type != NULL && memcmp(type, NATIVE_TYPE, sizeof NATIVE_TYPE) == 0;
}

static void check_imports(yg_reader *in, const module_facts *facts)
{
    uint32_t count = yg_read_u32(in);
    for (uint32_t i = 0; i < count && yg_is_good(in); i++) {
        yg_reader module = yg_read_name(in);
        yg_reader name = yg_read_name(in);
        uint8_t kind = yg_read_byte(in);
        if (!yg_is_good(in))
            return;
        /* An imported memory, table or global would be one that no rule below has seen. */
        uint32_t number = kind == KIND_FUNCTION ? find_import(facts->policy, &module, &name) : 0;
        if (number == 0) {
            yg_refuse(in, YG_IMPORT_NOT_ALLOWED);
            return;
        }
        uint32_t type = yg_read_u32(in);
        if (yg_is_good(in) && !is_native_type(facts, type))
            yg_refuse(in, YG_IMPORT_NOT_ALLOWED);
        facts->parts->imports |= (uint32_t)1 << (number & 31u);
    }
    yg_require_end(in);
}

static void check_memories(yg_reader *in, module_facts *facts)
{
    uint32_t count = yg_read_u32(in);
    if (count == 0) {
        yg_require_end(in);
        return;
    }
    uint8_t flags = yg_read_byte(in);
    uint32_t initial = yg_read_u32(in);
    if (yg_is_good(in) && (count > 1 || flags != 1)) {
        yg_refuse(in, YG_MEMORY_LIMIT);
        return;
    }
    uint32_t maximum = yg_read_u32(in);
    if (initial > 1 || maximum > 1)
        yg_refuse(in, YG_MEMORY_LIMIT);
    facts->has_memory = true;
    facts->initial_memory_bytes = initial * WASM_PAGE_BYTES;
    yg_require_end(in);
}

typedef struct {
    uint8_t type;
    bool is_mutable;
    bool is_i32_constant;
    uint32_t value;
} global;

static global read_global(yg_reader *in)
{
    global found = { 0 };
    found.type = yg_read_byte(in);
    uint8_t mutability = yg_read_byte(in);
    uint8_t operation = yg_read_byte(in);
    found.is_mutable = mutability == 1;
    found.is_i32_constant = operation == YG_OP_I32_CONST;
    switch (operation) {
    case YG_OP_I32_CONST:
        found.value = yg_read_signed(in, 32);
        break;
    case YG_OP_I64_CONST:
        yg_read_signed(in, 64);
        break;
    case YG_OP_F32_CONST:
        yg_read_bytes(in, 4);
        break;
    case YG_OP_F64_CONST:
        yg_read_bytes(in, 8);
        break;
    case YG_OP_GLOBAL_GET:
        yg_read_u32(in);
        break;
    default:
        yg_refuse(in, YG_INVALID_MODULE);
    }
    if (yg_read_byte(in) != YG_OP_END || mutability > 1 || !yg_is_value_type(found.type))
        yg_refuse(in, YG_INVALID_MODULE);
    return found;
}

static void check_globals(yg_reader *in, module_facts *facts)
{
    bool is_first = true;
    facts->globals = *in;
    uint32_t count = yg_read_u32(in);
    for (uint32_t i = 0; i < count && yg_is_good(in); i++) {
        global found = read_global(in);
        if (!found.is_mutable || found.type != YG_TYPE_I32)
            continue;
        if (is_first && yg_is_good(in) && (!found.is_i32_constant || found.value != 0))
            yg_refuse(in, YG_FIRST_GLOBAL);
        is_first = false;
    }
    yg_require_end(in);
}

/* The value of an exported global: a constant i32, or a refusal. */
static uint32_t read_bound(yg_reader *in, const module_facts *facts, uint32_t index)
{
    yg_reader globals = facts->globals;
    uint32_t count = globals.at == NULL ? 0 : yg_read_u32(&globals);
    global found = { 0 };
    for (uint32_t i = 0; i <= index && i < count && yg_is_good(&globals); i++)
        found = read_global(&globals);
    if (index >= count || found.is_mutable || found.type != YG_TYPE_I32 || !found.is_i32_constant)
        yg_refuse(in, YG_HEAP_BASE);
    return found.value;
}

static void check_exports(yg_reader *in, module_facts *facts)
{
    uint32_t count = yg_read_u32(in);
    for (uint32_t i = 0; i < count && yg_is_good(in); i++) {
        yg_reader name = yg_read_name(in);
        uint8_t kind = yg_read_byte(in);
        uint32_t index = yg_read_u32(in);
        if (!yg_is_good(in) || yg_left(&name) == 0 || *name.at != '_')
            continue;
        bool is_heap_base = yg_is_name(&name, "__heap_base");
        bool is_data_end = yg_is_name(&name, "__data_end");
        if (!is_heap_base && !is_data_end) {
            yg_refuse(in, YG_RUNS_AT_LOAD);
        } else if (kind != KIND_GLOBAL || (is_heap_base ? facts->has_heap_base : facts->has_data_end)) {
            yg_refuse(in, YG_HEAP_BASE);
        } else if (is_heap_base) {
            facts->has_heap_base = true;
            facts->heap_base = read_bound(in, facts, index);
        } else {
            facts->has_data_end = true;
            facts->data_end = read_bound(in, facts, index);
        }
    }
    yg_require_end(in);
}

typedef struct {
    uint32_t address;
    uint32_t bytes;
    const uint8_t *content;
} segment;

/* An active segment of memory 0 at a constant address; the other kinds belong to bulk memory. */
static segment read_segment(yg_reader *in)
{
    segment found = { 0 };
    uint32_t kind = yg_read_u32(in);
    uint8_t operation = yg_read_byte(in);
    found.address = yg_read_signed(in, 32);
    if (kind != 0 || operation != YG_OP_I32_CONST || yg_read_byte(in) != YG_OP_END)
        yg_refuse(in, YG_INVALID_MODULE);
    found.bytes = yg_read_u32(in);
    found.content = yg_read_bytes(in, found.bytes);
    return found;
}

static void check_data(yg_reader *in, module_facts *facts)
{
    facts->parts->data = in->at;
    facts->parts->data_bytes = yg_left(in);
    uint32_t count = yg_read_u32(in);
    for (uint32_t i = 0; i < count && yg_is_good(in); i++) {
        segment found = read_segment(in);
        uint64_t end = (uint64_t)found.address + found.bytes;
        if (end > facts->last_data_end)
            facts->last_data_end = end;
    }
    yg_require_end(in);
}

static void check_section(uint8_t id, yg_reader *in, module_facts *facts)
{
    switch (id) {
    case SECTION_TYPE:
        facts->types = *in;
        break;
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
        yg_refuse(in, YG_RUNS_AT_LOAD);
        break;
    case SECTION_CODE:
        yg_check_code(in);
        break;
    case SECTION_DATA:
        check_data(in, facts);
        break;
    default:
        /* Custom, function, table and element: WAMR validates what is in them. */
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
    yg_reader in = { module, module + bytes, YG_OK };
    const uint8_t *header = yg_read_bytes(&in, sizeof HEADER);
    if (header == NULL || memcmp(header, HEADER, sizeof HEADER) != 0)
        return YG_INVALID_MODULE;
    *parts = (yg_module_parts){ .code_bytes = bytes };
    module_facts facts = { .policy = policy, .parts = parts };
    uint8_t last = SECTION_CUSTOM;
    while (yg_is_good(&in) && in.at != in.end) {
        uint32_t start = bytes - yg_left(&in);
        uint8_t id = yg_read_byte(&in);
        yg_reader section = yg_read_part(&in, yg_read_u32(&in));
        if (!yg_is_good(&in))
            break;
        /* Each section once and in order, so that none is seen here and replaced behind. */
        if (id > SECTION_LAST || (id != SECTION_CUSTOM && id <= last))
            return YG_INVALID_MODULE;
        if (id != SECTION_CUSTOM)
            last = id;
        if (id == SECTION_DATA)
            parts->code_bytes = start;
        check_section(id, &section, &facts);
        if (!yg_is_good(&section))
            return section.status;
    }
    parts->memory_bytes = facts.heap_base;
    return yg_is_good(&in) ? check_bounds(&facts) : in.status;
}

void yg_write_data(const yg_module_parts *parts, uint8_t *memory)
{
    if (parts->data == NULL)
        return;
    yg_reader in = { parts->data, parts->data + parts->data_bytes, YG_OK };
    uint32_t count = yg_read_u32(&in);
    for (uint32_t i = 0; i < count && yg_is_good(&in); i++) {
        segment found = read_segment(&in);
        if (found.bytes > 0)
            memcpy(memory + found.address, found.content, found.bytes);
    }
}
