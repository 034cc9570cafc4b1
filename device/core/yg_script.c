#include "yg_script.h"

#include <string.h>

#include "port.h"
#include "yg_natives.h"

#define SECOND_MS 1000u
#define MINUTE_MS 60000u

enum { EVENT_START = 0, EVENT_STOP = 1, EVENT_TICK = 2, EVENT_COMMAND = 3 };

static yg_script_code code_of(yg_status status)
{
    switch (status) {
    case YG_OK:
        return YG_SCRIPT_DONE;
    case YG_NO_MEMORY:
        return YG_SCRIPT_NO_ROOM;
    case YG_MODULE_TOO_LARGE:
    case YG_MEMORY_LIMIT:
        return YG_SCRIPT_TOO_LARGE;
    case YG_IMPORT_NOT_ALLOWED:
        return YG_SCRIPT_IMPORT_NOT_ALLOWED;
    case YG_MEMORY_GROWS:
        return YG_SCRIPT_MEMORY_GROWS;
    case YG_HEAP_BASE:
        return YG_SCRIPT_HEAP_BASE_WRONG;
    default:
        return YG_SCRIPT_MODULE_INVALID;
    }
}

static yg_admission_policy script_policy(void)
{
    return (yg_admission_policy){
        .bytes_max = YG_SCRIPT_MODULE_BYTES_MAX,
        .memory_bytes_max = YG_SCRIPT_MEMORY_BYTES_MAX,
        .page_bytes = (uint32_t)port_page_bytes(),
        .imports = yg_native_imports,
        .import_count = YG_NATIVES,
    };
}

yg_status yg_script_admit(const uint8_t *module, uint32_t bytes, yg_module_parts *parts)
{
    const yg_admission_policy policy = script_policy();
    return yg_admit(module, bytes, &policy, parts);
}

yg_script_code yg_script_load(yg_script *script, const yg_manifest *manifest, const uint8_t *module, uint8_t *image,
                              yg_script_world *world)
{
    const yg_admission_policy policy = script_policy();
    const yg_sandbox_options options = {
        .policy = &policy,
        .function = "call",
        .image = image,
        .image_bytes = manifest->module_bytes,
        /* A frame holds pointers; the manifest counts them as a 32-bit device does. */
        .stack_bytes = manifest->stack_bytes * (uint32_t)(sizeof(void *) / sizeof(uint32_t)),
        .instructions_max = manifest->instructions_max,
        .milliseconds_max = manifest->call_ms_max,
    };
    yg_module_parts parts;
    memset(script, 0, sizeof *script);
    script->manifest = *manifest;
    script->world = world;
    yg_status status = yg_admit(module, manifest->module_bytes, &policy, &parts);
    if (status != YG_OK)
        return code_of(status);
    if (parts.memory_bytes != manifest->memory_bytes)
        return YG_SCRIPT_SIZE_WRONG;
    script->imports = (uint16_t)parts.imports;
    status = yg_sandbox_load(&script->sandbox, module, manifest->module_bytes, &options);
    if (status == YG_OK)
        yg_sandbox_set_user(&script->sandbox, script);
    return code_of(status);
}

/* Whether so many more may be used in this span of time. */
static bool take(uint32_t span, uint32_t *last_span, uint32_t *used, uint32_t count, uint32_t most)
{
    if (span != *last_span) {
        *last_span = span;
        *used = 0;
    }
    if (count > most || *used > most - count)
        return false;
    *used += count;
    return true;
}

bool yg_script_spend(yg_script *script, uint32_t bytes)
{
    return take(script->world->now_ms / MINUTE_MS, &script->minute, &script->bytes_used, bytes,
                script->manifest.bytes_per_minute_max);
}

static bool may_be_called(yg_script *script)
{
    return take(script->world->now_ms / SECOND_MS, &script->second, &script->calls_used, 1,
                script->manifest.calls_per_second_max);
}

static yg_status call(yg_script *script, uint32_t event, uint32_t a, int32_t *result)
{
    script->call_count++;
    yg_status status = yg_sandbox_call(&script->sandbox, event, a, 0, result);
    if (status != YG_OK) {
        script->state = YG_STATE_FAILED;
        script->fault = (uint8_t)status;
        yg_sandbox_unload(&script->sandbox);
    }
    return status;
}

void yg_script_start(yg_script *script)
{
    int32_t result = 0;
    script->state = YG_STATE_RUNNING;
    script->timers_set = 0;
    script->outputs = 0;
    call(script, EVENT_START, 0, &result);
}

void yg_script_stop(yg_script *script)
{
    int32_t result = 0;
    if (script->state == YG_STATE_RUNNING)
        call(script, EVENT_STOP, 0, &result);
    yg_sandbox_unload(&script->sandbox);
    script->state = YG_STATE_STOPPED;
}

/* The timer that ended first, or YG_TIMERS. The clock wraps around, so that only differences are compared. */
static uint32_t ended_timer(const yg_script *script, uint32_t *late_ms)
{
    uint32_t first = YG_TIMERS;
    for (uint32_t i = 0; i < YG_TIMERS; i++) {
        uint32_t late = script->world->now_ms - script->timers[i].due_ms;
        if ((script->timers_set & 1u << i) != 0 && late < 1u << 31 && (first == YG_TIMERS || late > *late_ms)) {
            first = i;
            *late_ms = late;
        }
    }
    return first;
}

bool yg_script_is_due(const yg_script *script, uint32_t *late_ms)
{
    return script->state == YG_STATE_RUNNING && ended_timer(script, late_ms) < YG_TIMERS;
}

void yg_script_tick(yg_script *script)
{
    uint32_t late_ms = 0;
    int32_t result = 0;
    uint32_t id = ended_timer(script, &late_ms);
    uint32_t now_ms = script->world->now_ms;
    if (id == YG_TIMERS)
        return;
    if (!may_be_called(script)) {
        script->timers[id].due_ms = (now_ms / SECOND_MS + 1) * SECOND_MS;
        return;
    }
    if (script->timers[id].period_ms == 0)
        script->timers_set = (uint8_t)(script->timers_set & ~(1u << id));
    else
        script->timers[id].due_ms = now_ms + script->timers[id].period_ms;
    call(script, EVENT_TICK, id, &result);
}

yg_script_code yg_script_command(yg_script *script, int32_t *status)
{
    if (script->state != YG_STATE_RUNNING)
        return YG_SCRIPT_NOT_RUNNING;
    if (!may_be_called(script))
        return YG_SCRIPT_RATE_LIMITED;
    script->world->answer_count = 0;
    if (call(script, EVENT_COMMAND, 0, status) != YG_OK)
        return YG_SCRIPT_WAS_STOPPED;
    return *status == 0 ? YG_SCRIPT_DONE : YG_SCRIPT_REFUSED;
}
