#include "yg_messages.h"

#include <math.h>
#include <string.h>

#include "yg_script_reports.h"
#include "yg_wire.h"

#define SENSOR "sensor.temperature"
#define ACTUATOR "led"
/* 2^53: every whole number below it is a double. */
#define EXACT_MAX 9007199254740992.0
#define CAPABILITIES_VERSION 1u

typedef struct {
    uint8_t *at;
    uint8_t *end;
    bool is_full;
} writer;

static bool has_room(writer *out, size_t bytes)
{
    if (bytes > (size_t)(out->end - out->at))
        out->is_full = true;
    return !out->is_full;
}

static void put_bytes(writer *out, uint32_t field, const void *bytes, size_t count)
{
    if (!has_room(out, 1 + YG_VARINT_BYTES + count))
        return;
    *out->at++ = (uint8_t)(field << 3 | YG_BYTES);
    out->at = yg_put_varint(out->at, count);
    memcpy(out->at, bytes, count);
    out->at += count;
}

static void put_text(writer *out, uint32_t field, const char *text)
{
    if (*text != 0)
        put_bytes(out, field, text, strlen(text));
}

static void put_number(writer *out, uint32_t field, uint64_t value)
{
    if (value == 0 || !has_room(out, 1 + YG_VARINT_BYTES))
        return;
    *out->at++ = (uint8_t)(field << 3 | YG_VARINT);
    out->at = yg_put_varint(out->at, value);
}

/* A Value: a member of a oneof is written also where it is zero. */
static void put_value(writer *out, const yg_event *event)
{
    uint8_t value[2 + YG_VARINT_BYTES];
    uint8_t *at = value;
    if (event->kind == YG_VALUE_TEXT) {
        uint8_t text[YG_EVENT_BYTES];
        writer inner = { text, text + sizeof text, false };
        put_bytes(&inner, YG_VALUE_TEXT, event->text, strlen(event->text));
        out->is_full = out->is_full || inner.is_full;
        put_bytes(out, 2, text, (size_t)(inner.at - text));
        return;
    }
    if (event->kind == YG_VALUE_BOOLEAN) {
        *at++ = 0x08;
        *at++ = event->number != 0;
    } else if (event->number == floor(event->number) && fabs(event->number) < EXACT_MAX) {
        int64_t whole = (int64_t)event->number;
        *at++ = 0x10;
        at = yg_put_varint(at, (uint64_t)whole << 1 ^ (uint64_t)(whole >> 63));
    } else {
        *at++ = 0x19;
        memcpy(at, &event->number, sizeof event->number);
        at += sizeof event->number;
    }
    put_bytes(out, 2, value, (size_t)(at - value));
}

uint32_t yg_write_event(const yg_event *event, uint8_t *to, uint32_t room)
{
    writer out = { to, to + room, false };
    put_text(&out, 1, event->name);
    put_value(&out, event);
    put_text(&out, 3, event->unit);
    put_number(&out, 4, event->measured_at_ms);
    put_number(&out, 5, event->is_state);
    return out.is_full ? 0 : (uint32_t)(out.at - to);
}

uint32_t yg_write_announcement(const yg_scripts *scripts, bool has_sensor, bool has_actuator, uint8_t *to, uint32_t room)
{
    writer out = { to, to + room, false };
    char name[YG_COMMAND_WORD_BYTES];
    const uint8_t versions[] = { CAPABILITIES_VERSION };
    put_text(&out, 1, scripts->options.platform);
    put_text(&out, 2, scripts->options.firmware);
    if (has_sensor)
        put_text(&out, 3, SENSOR);
    if (has_actuator)
        put_text(&out, 4, ACTUATOR);
    for (uint32_t i = 0; yg_scripts_command_name(scripts, i, name); i++)
        put_text(&out, 5, name);
    put_bytes(&out, 7, versions, sizeof versions);
    return out.is_full ? 0 : (uint32_t)(out.at - to);
}

bool yg_read_error(const uint8_t *payload, uint32_t bytes, uint32_t *code, uint64_t *last_nonce)
{
    yg_wire in = { payload, payload + bytes, false };
    yg_field found;
    *code = 0;
    *last_nonce = 0;
    while (yg_read_field(&in, &found)) {
        if (found.type == YG_VARINT && found.field == 1)
            *code = (uint32_t)found.number;
        if (found.type == YG_VARINT && found.field == 3)
            *last_nonce = found.number;
    }
    return !in.is_bad;
}
