/* Payloads of the frames that a device sends and gets beside commands and updates: EVENT, CAPABILITIES, ERROR of bifrost.proto. */
#ifndef YG_MESSAGES_H
#define YG_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_payload.h"
#include "yg_scripts.h"

/* Bytes of an event's payload, at most: a name, a text of 48 characters, a unit, a time. */
#define YG_EVENT_BYTES 256u
#define YG_CAPABILITIES_BYTES 1024u

/* A reading or a state. The value is a number, a boolean (0, 1) or a text, by its kind. */
typedef struct {
    const char *name;
    yg_value_kind kind;
    double number;
    const char *text;
    const char *unit;
    uint64_t measured_at_ms;
    bool is_state;
} yg_event;

/* Writes an event. Returns its bytes, 0 when it has no room. */
uint32_t yg_write_event(const yg_event *event, uint8_t *to, uint32_t room);

/* Writes what the device can do. Returns the bytes, 0 when it has no room. */
uint32_t yg_write_announcement(const yg_scripts *scripts, bool has_sensor, bool has_actuator, uint8_t *to, uint32_t room);

/* Reads an ERROR: its code, and the highest nonce that the server knows. False for what is none. */
bool yg_read_error(const uint8_t *payload, uint32_t bytes, uint32_t *code, uint64_t *last_nonce);

#endif
