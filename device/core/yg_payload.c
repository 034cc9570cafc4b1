#include "yg_payload.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "yg_wire.h"

#define NAME_TAG 0x0a
#define VALUE_TAG 0x12
/* A text of a result, at most. */
#define TEXT_BYTES 512
/* 2^53: every whole number below it is a double. */
#define EXACT_MAX 9007199254740992.0

static bool copy_name(const yg_wire *from, char name[YG_COMMAND_NAME_BYTES])
{
    size_t length = (size_t)(from->end - from->at);
    if (length >= YG_COMMAND_NAME_BYTES)
        return false;
    memcpy(name, from->at, length);
    name[length] = 0;
    return strlen(name) == length;
}

/* A Value: boolean = 1, integer = 2 (zigzag), number = 3, text = 4, data = 5. The last one counts. */
static bool read_value(yg_wire in, yg_argument *argument)
{
    static const uint32_t TYPES[] = { 0, YG_VARINT, YG_VARINT, YG_FIXED64, YG_BYTES, YG_BYTES };
    yg_field found;
    while (yg_read_field(&in, &found)) {
        if (found.field == 0 || found.field > 5)
            continue;
        if (found.type != TYPES[found.field])
            return false;
        argument->kind = (yg_value_kind)found.field;
        argument->bytes = found.bytes.at;
        argument->byte_count = (uint32_t)(found.bytes.end - found.bytes.at);
        if (found.field == 1)
            argument->number = found.number != 0;
        else if (found.field == 2)
            argument->number = (double)(int64_t)(found.number >> 1 ^ (~(found.number & 1) + 1));
        else if (found.field == 3)
            memcpy(&argument->number, found.bytes.at, sizeof argument->number);
    }
    return !in.is_bad;
}

static bool read_argument(yg_wire in, yg_argument *argument)
{
    yg_field found;
    memset(argument, 0, sizeof *argument);
    while (yg_read_field(&in, &found)) {
        if (found.type == YG_BYTES && found.field == 1 && !copy_name(&found.bytes, argument->name))
            return false;
        if (found.type == YG_BYTES && found.field == 2 && !read_value(found.bytes, argument))
            return false;
    }
    return !in.is_bad;
}

bool yg_read_command(const uint8_t *payload, uint32_t bytes, yg_command *command)
{
    yg_wire in = { payload, payload + bytes, false };
    yg_field found;
    memset(command, 0, sizeof *command);
    while (yg_read_field(&in, &found)) {
        if (found.type != YG_BYTES || found.field > 2)
            continue;
        if (found.field == 1 && !copy_name(&found.bytes, command->name))
            return false;
        if (found.field != 2)
            continue;
        if (command->argument_count == YG_COMMAND_ARGUMENTS_MAX
            || !read_argument(found.bytes, &command->arguments[command->argument_count]))
            return false;
        command->argument_count++;
    }
    return !in.is_bad;
}

const yg_argument *yg_find_argument(const yg_command *command, const char *name)
{
    /* Of two with one name the last counts, as everywhere in protobuf. */
    for (uint32_t i = command->argument_count; i > 0; i--)
        if (strcmp(command->arguments[i - 1].name, name) == 0)
            return &command->arguments[i - 1];
    return NULL;
}

static uint32_t varint_bytes(uint64_t value)
{
    uint32_t bytes = 1;
    while (value >= 0x80) {
        value >>= 7;
        bytes++;
    }
    return bytes;
}

static void put_varint(yg_result *result, uint64_t value)
{
    result->at = yg_put_varint(result->at, value);
}

static void put_bytes(yg_result *result, uint8_t tag, const void *bytes, uint32_t count)
{
    *result->at++ = tag;
    put_varint(result, count);
    memcpy(result->at, bytes, count);
    result->at += count;
}

static bool has_room(yg_result *result, uint32_t bytes)
{
    if (bytes > (uint32_t)(result->end - result->at))
        result->is_full = true;
    return !result->is_full;
}

void yg_write_error(yg_result *result, uint32_t code, const char *message)
{
    uint32_t length = (uint32_t)strlen(message);
    uint32_t bytes = 1 + varint_bytes(code) + 1 + varint_bytes(length) + length;
    if (!has_room(result, 1 + varint_bytes(bytes) + bytes))
        return;
    *result->at++ = 0x0a;
    put_varint(result, bytes);
    *result->at++ = 0x08;
    put_varint(result, code);
    put_bytes(result, 0x12, message, length);
}

/* An entry of `values`: name, and a Value of these bytes. */
static void put_entry(yg_result *result, const char *name, const uint8_t *value, uint32_t value_bytes)
{
    uint32_t length = (uint32_t)strlen(name);
    uint32_t bytes = 1 + varint_bytes(length) + length + 1 + varint_bytes(value_bytes) + value_bytes;
    if (!has_room(result, 1 + varint_bytes(bytes) + bytes))
        return;
    *result->at++ = 0x12;
    put_varint(result, bytes);
    put_bytes(result, NAME_TAG, name, length);
    put_bytes(result, VALUE_TAG, value, value_bytes);
}

void yg_write_text(yg_result *result, const char *name, const char *text)
{
    uint8_t value[TEXT_BYTES];
    yg_result inner = { value, value + sizeof value, false };
    uint32_t length = (uint32_t)strlen(text);
    if (!has_room(&inner, length + 3)) {
        result->is_full = true;
        return;
    }
    put_bytes(&inner, 0x22, text, length);
    put_entry(result, name, value, (uint32_t)(inner.at - value));
}

void yg_write_number(yg_result *result, const char *name, double number)
{
    uint8_t value[16];
    yg_result inner = { value, value + sizeof value, false };
    if (number == floor(number) && fabs(number) < EXACT_MAX) {
        int64_t whole = (int64_t)number;
        *inner.at++ = 0x10;
        put_varint(&inner, (uint64_t)whole << 1 ^ (uint64_t)(whole >> 63));
    } else {
        *inner.at++ = 0x19;
        memcpy(inner.at, &number, sizeof number);
        inner.at += sizeof number;
    }
    put_entry(result, name, value, (uint32_t)(inner.at - value));
}

void yg_write_boolean(yg_result *result, const char *name, bool value)
{
    const uint8_t bytes[2] = { 0x08, value };
    put_entry(result, name, bytes, sizeof bytes);
}
