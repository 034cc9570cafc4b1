#include <stdio.h>
#include <string.h>

#include "port.h"
#include "yg_device_parts.h"

/* Nonces that are noted at once as used, so that flash isn't written for every frame. */
#define NONCES_AT_ONCE 4096u

void yg_device_fail(const yg_device *device, const char *text)
{
    device->options.log(device->options.context, true, text);
}

/* The next nonce; 0 when flash refuses to note that it is used. */
static uint64_t next_nonce(yg_device *device)
{
    uint64_t nonce = device->last_nonce + 1;
    if (nonce > device->journal.content.nonces_reserved && !yg_journal_reserve(&device->journal, nonce + NONCES_AT_ONCE))
        return 0;
    device->last_nonce = nonce;
    return nonce;
}

/* Signs and sends one entry. False when it can't be sent now. */
static bool transmit(yg_device *device, yg_outbox_entry *entry)
{
    static uint8_t bytes[YG_DEVICE_FRAME_BYTES_MAX];
    const yg_identity *identity = &device->options.identity;
    yg_frame frame = {
        .type = entry->type,
        .delivery = entry->is_transient ? YG_TRANSIENT : YG_STORED,
        .nonce = next_nonce(device),
        .has_destination = entry->has_destination,
        .has_correlation = entry->has_correlation,
        .payload = yg_outbox_payload(entry),
        .payload_bytes = entry->payload_bytes,
    };
    memcpy(frame.id, entry->id, YG_ID_BYTES);
    memcpy(frame.network_id, identity->network_id, YG_ID_BYTES);
    memcpy(frame.source_id, identity->device_id, YG_ID_BYTES);
    memcpy(frame.destination_id, entry->destination_id, YG_ID_BYTES);
    memcpy(frame.correlation_id, entry->correlation_id, YG_ID_BYTES);
    uint32_t count = frame.nonce == 0 ? 0 : yg_frame_write(&frame, bytes, sizeof bytes);
    if (count == 0
        || yg_core_sign(&device->core, YG_DEVICE_KEY_SLOT, bytes, yg_frame_signed_bytes(count),
                        bytes + count - YG_FRAME_SIGNATURE_BYTES)
            != YG_OK)
        return false;
    /* 0 is nobody's. */
    if (++device->last_token == 0)
        device->last_token = 1;
    uint32_t token = device->last_token;
    if (!device->options.publish(device->options.context, bytes, count, token))
        return false;
    entry->token = token;
    device->monitor.bytes_sent += count;
    device->monitor.bytes_this_minute += count;
    return true;
}

/* Sends what wasn't sent on this connection, in order. */
void yg_device_flush(yg_device *device)
{
    yg_outbox_entry *entry = yg_outbox_next(&device->outbox, NULL);
    while (entry != NULL && device->is_connected && !device->is_held) {
        if (entry->token == 0 && !transmit(device, entry))
            return;
        if (!entry->is_transient) {
            entry = yg_outbox_next(&device->outbox, entry);
            continue;
        }
        /* The next one comes to its place. */
        uint8_t *place = (uint8_t *)entry;
        yg_outbox_remove(&device->outbox, entry);
        entry = place < device->outbox.memory + device->outbox.used ? (yg_outbox_entry *)(void *)place : NULL;
    }
}

void yg_device_send(yg_device *device, yg_outbox_entry *entry, const uint8_t *payload)
{
    static const uint8_t none[YG_ID_BYTES];
    if (entry->is_transient && !device->is_connected)
        return;
    if (memcmp(entry->id, none, YG_ID_BYTES) == 0)
        port_random(entry->id, YG_ID_BYTES);
    if (yg_outbox_add(&device->outbox, entry, payload) == NULL)
        yg_device_fail(device, "a frame has no room and is lost");
    yg_device_flush(device);
}

void yg_device_say(yg_device *device, const yg_event *event)
{
    uint8_t payload[YG_EVENT_BYTES];
    yg_outbox_entry entry = { .type = YG_FRAME_EVENT };
    entry.payload_bytes = yg_write_event(event, payload, sizeof payload);
    if (entry.payload_bytes == 0)
        return;
    uint32_t bytes = entry.payload_bytes + YG_FRAME_OVERHEAD_BYTES;
    if (yg_monitor_may_send(&device->monitor, bytes, device->settings.values[YG_BYTES_PER_MINUTE]))
        yg_device_send(device, &entry, payload);
}

void yg_device_announce(yg_device *device)
{
    static uint8_t payload[YG_CAPABILITIES_BYTES];
    const uint32_t *values = device->settings.values;
    yg_outbox_entry entry = { .type = YG_FRAME_CAPABILITIES };
    entry.payload_bytes = yg_write_announcement(&device->scripts, values[YG_SENSOR_ENABLED] != 0,
                                                values[YG_ACTUATOR_ENABLED] != 0, payload, sizeof payload);
    if (entry.payload_bytes == 0) {
        yg_device_fail(device, "the capabilities are too long");
        return;
    }
    /* Those before say what isn't so any more. */
    yg_outbox_remove_type(&device->outbox, YG_FRAME_CAPABILITIES);
    yg_device_send(device, &entry, payload);
}

void yg_device_say_led(yg_device *device)
{
    double value = 0;
    if (!port_actuator_get(YG_ACTUATOR, &value) || (value != 0) == device->is_led_on)
        return;
    device->is_led_on = value != 0;
    const yg_event event = {
        .name = "led.state",
        .kind = YG_VALUE_BOOLEAN,
        .number = device->is_led_on,
        .unit = "",
        .measured_at_ms = port_wall_clock_ms(),
    };
    yg_device_say(device, &event);
}

void yg_device_answer(yg_device *device, const yg_command_note *note, const uint8_t *payload, uint32_t bytes)
{
    yg_outbox_entry entry = {
        .type = YG_FRAME_COMMAND_RESULT,
        .payload_bytes = bytes,
        .has_destination = true,
        .has_correlation = true,
    };
    memcpy(entry.id, note->frame_id, YG_ID_BYTES);
    memcpy(entry.destination_id, note->source_id, YG_ID_BYTES);
    memcpy(entry.correlation_id, note->command_id, YG_ID_BYTES);
    if (yg_outbox_find(&device->outbox, entry.id) == NULL)
        yg_device_send(device, &entry, payload);
}
