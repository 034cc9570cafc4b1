#include "yg_device.h"

#include <stdio.h>
#include <string.h>

#include "port.h"
#include "yg_device_parts.h"
#include "yg_natives.h"
#include "yg_script_reports.h"

#define KEY_BYTES 32u
#define FRAME_REPLAYED 203u
#define TICK_MS_MAX 100u
#define ATTEMPTS_COUNTED 20u

static const uint8_t SERVER[YG_ID_BYTES];

static void warn(const yg_device *device, const char *text)
{
    device->options.log(device->options.context, false, text);
}

static void on_publish(void *context, const char *name, double value, const char *unit)
{
    const yg_event event = {
        .name = name,
        .kind = YG_VALUE_NUMBER,
        .number = value,
        .unit = unit,
        .measured_at_ms = port_wall_clock_ms(),
    };
    yg_device_say(context, &event);
}

static void on_state(void *context, const char *script, const char *state)
{
    char name[YG_SCRIPT_NAME_BYTES + 16];
    snprintf(name, sizeof name, "script.%s.state", script);
    const yg_event event = {
        .name = name,
        .kind = YG_VALUE_TEXT,
        .text = state,
        .unit = "",
        .measured_at_ms = port_wall_clock_ms(),
        .is_state = true,
    };
    yg_device_say(context, &event);
}

static void on_log(void *context, const char *script, bool is_error, const char *text)
{
    const yg_device *device = context;
    char line[160];
    snprintf(line, sizeof line, "script %s: %s", script, text);
    device->options.log(device->options.context, is_error, line);
}

static void on_report(void *context, const uint8_t *payload, uint32_t bytes, bool is_outcome)
{
    yg_outbox_entry entry = { .type = YG_FRAME_UPDATE_REPORT, .payload_bytes = bytes, .is_outcome = is_outcome };
    yg_device_send(context, &entry, payload);
}

static void on_ask(void *context, const uint8_t *payload, uint32_t bytes)
{
    yg_device *device = context;
    yg_outbox_entry entry = { .type = YG_FRAME_UPDATE_REQUEST, .payload_bytes = bytes, .is_transient = true };
    port_random(entry.id, YG_ID_BYTES);
    memcpy(device->asked_id, entry.id, YG_ID_BYTES);
    yg_device_send(device, &entry, payload);
}

static void on_restart(void *context)
{
    ((yg_device *)context)->is_restart_wanted = true;
}

static bool has_updates(const yg_device *device)
{
    return device->options.identity.release_key != NULL;
}

static void open_update(yg_device *device)
{
    yg_release running;
    const yg_update_options options = {
        .owner_key = device->options.identity.release_key,
        .target = device->options.target,
        .context = device,
        .report = on_report,
        .ask = on_ask,
        .restart = on_restart,
    };
    snprintf(device->firmware, sizeof device->firmware, "%s", device->options.firmware);
    if (!has_updates(device))
        return;
    device->slot = yg_update_open(&device->update, &options, device->now_ms);
    if (yg_update_running(&device->update, &running))
        snprintf(device->firmware, sizeof device->firmware, "%s %u", running.name, (unsigned)running.version);
}

static void open_scripts(yg_device *device)
{
    const yg_device_options *given = &device->options;
    const yg_scripts_options options = {
        .owner_key = given->identity.script_key,
        .core = &device->core,
        .staging = given->memory.staging,
        .images = given->memory.images,
        .image_bytes = given->memory.image_bytes,
        .platform = given->platform,
        .firmware = device->firmware,
        .commands = yg_device_commands,
        .children = &device->children,
        .context = device,
        .publish = on_publish,
        .state = on_state,
        .log = on_log,
    };
    yg_scripts_open(&device->scripts, &options, device->now_ms);
}

static void conclude(yg_device *device, const uint8_t *payload, uint32_t bytes)
{
    const yg_command_note note = device->journal.content.begun;
    if (!yg_journal_conclude(&device->journal, payload, bytes))
        yg_device_fail(device, "flash refuses to keep an answer");
    yg_device_answer(device, &note, payload, bytes);
}

/* Whether a command that was begun before the start was carried out is not known, so it must not be done again. */
static void conclude_interrupted(yg_device *device)
{
    static uint8_t result[YG_ANSWER_BYTES_MAX];
    uint32_t bytes = yg_device_refuse(YG_COMMAND_OUTCOME_UNKNOWN,
                                      "The device lost power while it carried the command out. It may have been done, or not.",
                                      result, sizeof result);
    conclude(device, result, bytes);
}

yg_status yg_device_open(yg_device *device, const yg_device_options *options, uint32_t now_ms)
{
    memset(device, 0, sizeof *device);
    device->options = *options;
    device->now_ms = device->reading_due_ms = device->monitor.minute_began_ms = now_ms;
    device->attempt = 1;
    const yg_device_memory *memory = &device->options.memory;
    yg_status status = yg_runtime_start(memory->pool, memory->pool_bytes);
    if (status == YG_OK)
        status = yg_natives_register();
    if (status == YG_OK)
        status = yg_core_open(&device->core, memory->module, memory->module_bytes, &memory->core);
    if (status == YG_OK)
        status = yg_core_import_key(&device->core, YG_DEVICE_KEY_SLOT, device->options.identity.signing_key, KEY_BYTES);
    if (status != YG_OK)
        return status;
    yg_settings_open(&device->settings);
    bool was_interrupted = yg_journal_open(&device->journal);
    uint64_t wall_us = port_wall_clock_ms() * 1000u;
    device->last_nonce = device->journal.content.nonces_reserved;
    if (wall_us > device->last_nonce)
        device->last_nonce = wall_us;
    open_update(device);
    double led = 0;
    device->is_led_on = port_actuator_get(YG_ACTUATOR, &led) && led != 0;
    open_scripts(device);
    yg_device_say_led(device);
    if (was_interrupted)
        conclude_interrupted(device);
    return YG_OK;
}

void yg_device_close(yg_device *device)
{
    yg_scripts_close(&device->scripts);
    yg_core_close(&device->core);
    yg_runtime_stop();
}

void yg_device_connected(yg_device *device, bool is_connected)
{
    device->is_connected = is_connected;
    device->is_held = false;
    yg_outbox_entry *entry = yg_outbox_next(&device->outbox, NULL);
    while (entry != NULL) {
        entry->token = 0;
        if (entry->is_transient) {
            yg_outbox_remove(&device->outbox, entry);
            entry = yg_outbox_next(&device->outbox, NULL);
        } else {
            entry = yg_outbox_next(&device->outbox, entry);
        }
    }
    if (is_connected) {
        if (!device->was_connected)
            device->attempt = 0;
        device->was_connected = true;
        device->connected_ms = device->now_ms;
        device->monitor.connections++;
        yg_device_announce(device);
        yg_device_flush(device);
    }
    if (has_updates(device))
        yg_update_connected(&device->update, is_connected);
}

/* Digests the names of all commands, to see whether there are others now. */
static uint32_t digest_of_names(const yg_device *device)
{
    char name[YG_COMMAND_WORD_BYTES];
    uint32_t digest = 2166136261u;
    for (uint32_t i = 0; yg_scripts_command_name(&device->scripts, i, name); i++)
        for (const char *at = name; *at != 0; at++)
            digest = (digest ^ (uint8_t)*at) * 16777619u;
    return digest ^ device->settings.values[YG_SENSOR_ENABLED] ^ device->settings.values[YG_ACTUATOR_ENABLED] << 1;
}

static void begin_command(yg_device *device, const yg_frame *frame)
{
    static uint8_t result[YG_ANSWER_BYTES_MAX];
    yg_command_note note;
    memcpy(note.command_id, frame->id, YG_ID_BYTES);
    memcpy(note.source_id, frame->source_id, YG_ID_BYTES);
    port_random(note.frame_id, YG_ID_BYTES);
    if (!yg_journal_begin(&device->journal, &note)) {
        uint32_t bytes = yg_device_refuse(YG_COMMAND_FAILED, "The device's flash refuses; nothing was done.", result,
                                          sizeof result);
        yg_device_fail(device, "flash refuses to note a command");
        yg_device_answer(device, &note, result, bytes);
        return;
    }
    uint32_t digest = digest_of_names(device);
    uint32_t bytes = yg_device_carry_out(device, frame->payload, frame->payload_bytes, result, sizeof result);
    conclude(device, result, bytes);
    yg_device_say_led(device);
    if (digest_of_names(device) != digest)
        yg_device_announce(device);
}

/* A command that comes twice gets its first answer again and is not carried out again. */
static void command(yg_device *device, const yg_frame *frame)
{
    static uint8_t payload[YG_ANSWER_BYTES_MAX];
    yg_command_note note;
    uint32_t bytes = 0;
    memcpy(note.command_id, frame->id, YG_ID_BYTES);
    memcpy(note.source_id, frame->source_id, YG_ID_BYTES);
    if (frame->delivery != YG_STORED || !frame->has_destination)
        warn(device, "dropped a frame: frame_type_unexpected");
    else if (yg_journal_answer(&device->journal, frame->id, frame->source_id, note.frame_id, payload, &bytes))
        yg_device_answer(device, &note, payload, bytes);
    else if (!yg_replay_use(&device->journal.content.replay, frame))
        warn(device, "dropped a frame: frame_replayed");
    else
        begin_command(device, frame);
}

/* Only a nonce that was too low can be helped: this device's clock went back over a restart. */
static void refused_by_server(yg_device *device, const yg_frame *frame)
{
    uint32_t code;
    uint64_t last_nonce;
    if (!yg_read_error(frame->payload, frame->payload_bytes, &code, &last_nonce))
        return;
    warn(device, "the server refuses a frame");
    if (!frame->has_correlation)
        return;
    if (has_updates(device) && memcmp(frame->correlation_id, device->asked_id, YG_ID_BYTES) == 0)
        yg_update_refused(&device->update, code);
    yg_outbox_entry *entry = yg_outbox_find(&device->outbox, frame->correlation_id);
    if (code != FRAME_REPLAYED || entry == NULL || entry->was_replayed)
        return;
    if (last_nonce > device->last_nonce)
        device->last_nonce = last_nonce;
    entry->was_replayed = true;
    /* The refused one is acknowledged, too; that must not be taken for this one. */
    entry->token = 0;
}

static void told_by_server(yg_device *device, const yg_frame *frame)
{
    bool may_update = has_updates(device) && device->settings.values[YG_UPDATES_ENABLED] != 0;
    device->update.options.is_older_refused = device->settings.values[YG_OLDER_ALLOWED] == 0;
    if (frame->type == YG_FRAME_ERROR)
        refused_by_server(device, frame);
    else if (frame->type == YG_FRAME_UPDATE_OFFER && may_update)
        yg_update_offered(&device->update, frame->payload, frame->payload_bytes);
    else if (frame->type == YG_FRAME_UPDATE_PART && may_update)
        yg_update_received(&device->update, frame->payload, frame->payload_bytes);
}

/* The signature is checked before anything else is believed, then that the frame is of our network and for us. */
static const char *reason_to_drop(yg_device *device, const uint8_t *bytes, uint32_t count, yg_frame *frame)
{
    const yg_identity *identity = &device->options.identity;
    if (count > YG_DEVICE_FRAME_BYTES_MAX)
        return "dropped a frame: frame_too_large";
    if (!yg_frame_read(bytes, count, frame))
        return "dropped a frame: frame_malformed";
    if (yg_core_verify(&device->core, YG_DEVICE_KEY_SLOT, bytes, yg_frame_signed_bytes(count),
                       bytes + count - YG_FRAME_SIGNATURE_BYTES)
        != YG_OK)
        return "dropped a frame: frame_signature_wrong";
    bool is_from_server = memcmp(frame->source_id, SERVER, YG_ID_BYTES) == 0;
    /* The server's answer to bytes from which it could read no network. */
    bool is_answer_to_nonsense = is_from_server && memcmp(frame->network_id, SERVER, YG_ID_BYTES) == 0;
    if (!is_answer_to_nonsense && memcmp(frame->network_id, identity->network_id, YG_ID_BYTES) != 0)
        return "dropped a frame: frame_destination_wrong";
    if (frame->has_destination && memcmp(frame->destination_id, identity->device_id, YG_ID_BYTES) != 0)
        return "dropped a frame: frame_destination_wrong";
    return NULL;
}

bool yg_device_received(yg_device *device, const uint8_t *bytes, uint32_t count)
{
    uint64_t began_us = port_clock_us();
    yg_frame frame;
    device->monitor.bytes_received += count;
    device->is_held = true;
    const char *reason = reason_to_drop(device, bytes, count, &frame);
    bool has_room = yg_outbox_has_room(&device->outbox, YG_ANSWER_BYTES_MAX);
    if (reason != NULL)
        warn(device, reason);
    else if (frame.type == YG_FRAME_COMMAND && !has_room)
        warn(device, "there is no room for an answer");
    else if (frame.type == YG_FRAME_COMMAND)
        command(device, &frame);
    else if (memcmp(frame.source_id, SERVER, YG_ID_BYTES) == 0)
        told_by_server(device, &frame);
    device->monitor.busy_us += port_clock_us() - began_us;
    return reason != NULL || frame.type != YG_FRAME_COMMAND || has_room;
}

void yg_device_release(yg_device *device)
{
    device->is_held = false;
    yg_device_flush(device);
}

void yg_device_settled(yg_device *device, uint32_t token)
{
    yg_outbox_entry *entry = token == 0 ? NULL : yg_outbox_find_token(&device->outbox, token);
    if (entry == NULL)
        return;
    bool is_outcome = entry->is_outcome;
    yg_outbox_remove(&device->outbox, entry);
    if (!has_updates(device))
        return;
    bool was_trial = device->update.is_trial;
    yg_update_settled(&device->update, is_outcome);
    if (was_trial && !device->update.is_trial && device->options.confirmed != NULL)
        device->options.confirmed(device->options.context);
}

static void measure(yg_device *device)
{
    yg_event event = { .name = YG_SENSOR, .kind = YG_VALUE_NUMBER, .unit = "celsius", .measured_at_ms = port_wall_clock_ms() };
    device->reading_due_ms = device->now_ms + device->settings.values[YG_READING_INTERVAL_MS];
    if (device->settings.values[YG_SENSOR_ENABLED] != 0 && port_sensor_read(YG_SENSOR, &event.number))
        yg_device_say(device, &event);
}

static void watch_pool(yg_device *device)
{
    uint32_t pool_bytes = 0;
    uint32_t used_bytes = 0;
    yg_runtime_memory(&pool_bytes, &used_bytes);
    if (!yg_monitor_pool(&device->monitor, pool_bytes, used_bytes, device->settings.values[YG_POOL_WARNING_PERCENT]))
        return;
    const yg_event event = {
        .name = "device.warning",
        .kind = YG_VALUE_TEXT,
        .text = "pool",
        .unit = "",
        .measured_at_ms = port_wall_clock_ms(),
    };
    warn(device, "the runtime's pool is almost used up");
    yg_device_say(device, &event);
}

uint32_t yg_device_tick(yg_device *device, uint32_t now_ms)
{
    uint64_t began_us = port_clock_us();
    device->now_ms = now_ms;
    yg_monitor_tick(&device->monitor, now_ms);
    if ((int32_t)(now_ms - device->reading_due_ms) >= 0)
        measure(device);
    yg_scripts_run(&device->scripts, now_ms, device->settings.values[YG_SCRIPT_CALLS_AT_ONCE]);
    yg_device_say_led(device);
    watch_pool(device);
    if (has_updates(device))
        yg_update_tick(&device->update, now_ms);
    yg_device_flush(device);
    device->monitor.busy_us += port_clock_us() - began_us;
    uint32_t until_reading_ms = device->reading_due_ms - now_ms;
    return until_reading_ms < TICK_MS_MAX ? until_reading_ms : TICK_MS_MAX;
}

uint32_t yg_device_retry_ms(yg_device *device)
{
    const uint32_t *values = device->settings.values;
    bool was_stable = device->connected_ms != 0 && device->now_ms - device->connected_ms >= values[YG_STABLE_MS];
    uint16_t chance = 0;
    if (was_stable)
        device->attempt = 0;
    device->connected_ms = 0;
    uint32_t attempt = device->attempt;
    if (device->attempt < ATTEMPTS_COUNTED)
        device->attempt++;
    if (attempt == 0)
        return 0;
    uint64_t delay_ms = (uint64_t)values[YG_RETRY_MS_MIN] << (attempt - 1);
    if (delay_ms > values[YG_RETRY_MS_MAX])
        delay_ms = values[YG_RETRY_MS_MAX];
    port_random(&chance, sizeof chance);
    return (uint32_t)(delay_ms - delay_ms * chance / (2u * (UINT16_MAX + 1u)));
}

bool yg_device_wants_restart(const yg_device *device)
{
    return device->is_restart_wanted;
}
