/*
 * A device with scripts on Linux, driven by requests: the tests' way into device/core/yg_scripts.h. Requests and answers
 * are those of runner.c; device/native/script-runner.ts is the other end.
 */
#include "script_runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "port.h"
#include "port_host_board.h"
#include "port_host_files.h"
#include "script_cuts.h"
#include "wasm_export.h"
#include "yg_natives.h"

#define POOL_BYTES 65536
#define PAYLOAD_BYTES_MAX (1024 * 1024)
#define EVENT_BYTES 4096

static _Alignas(8) uint8_t pool[POOL_BYTES];
static _Alignas(8) uint8_t core_image[YG_CORE_BYTES_MAX];
static _Alignas(8) uint8_t staging[YG_STAGING_BYTES];
static _Alignas(8) uint8_t images[YG_SCRIPT_SLOTS * YG_SCRIPT_MODULE_BYTES_MAX];
static uint8_t request[PAYLOAD_BYTES_MAX];
static uint8_t answer[RESULT_BYTES_MAX];
static char events[EVENT_BYTES];
static uint8_t owner_key[32];
static yg_core core;
static yg_scripts device;

static void note(const char *line)
{
    strncat(events, line, sizeof events - strlen(events) - 1);
}

static void publish(void *context, const char *name, double value, const char *unit)
{
    char line[160];
    (void)context;
    snprintf(line, sizeof line, "%s %g %s\n", name, value, unit);
    note(line);
}

static void state(void *context, const char *script, const char *text)
{
    char line[160];
    (void)context;
    snprintf(line, sizeof line, "script.%s.state %s\n", script, text);
    note(line);
}

static void log_line(void *context, const char *script, bool is_error, const char *text)
{
    char line[160];
    (void)context;
    snprintf(line, sizeof line, "%s %s: %s\n", is_error ? "error" : "warn", script, text);
    note(line);
}

bool device_start(yg_scripts *scripts, const uint8_t key[32], const uint8_t *module, uint32_t bytes, uint32_t now_ms)
{
    const yg_core_memory memory = { .image = core_image, .image_bytes = sizeof core_image, .stack_bytes = 4096 };
    const yg_scripts_options options = {
        .owner_key = key,
        .core = &core,
        .staging = staging,
        .images = images,
        .image_bytes = YG_SCRIPT_MODULE_BYTES_MAX,
        .platform = "linux",
        .firmware = "yggdrasil-host 0.7.0",
        .publish = publish,
        .state = state,
        .log = log_line,
    };
    if (yg_runtime_start(pool, sizeof pool) != YG_OK || yg_natives_register() != YG_OK
        || yg_core_open(&core, module, bytes, &memory) != YG_OK)
        return false;
    yg_scripts_open(scripts, &options, now_ms);
    return true;
}

static uint32_t take_u32(const uint8_t **at)
{
    uint32_t number;
    memcpy(&number, *at, sizeof number);
    *at += sizeof number;
    return number;
}

static uint32_t set_board(const uint8_t *in)
{
    uint32_t pin = take_u32(&in);
    uint32_t level = take_u32(&in);
    double celsius;
    memcpy(&celsius, in, sizeof celsius);
    if (pin < BOARD_PINS)
        port_board_set_pin(pin, level != 0);
    port_board_set_celsius(celsius);
    double led = port_board_led();
    uint32_t after = port_board_pin(pin);
    memcpy(answer, &led, sizeof led);
    memcpy(answer + sizeof led, &after, sizeof after);
    return sizeof led + sizeof after;
}

static uint32_t give_u32(uint32_t number)
{
    memcpy(answer, &number, sizeof number);
    return sizeof number;
}

static uint32_t free_bytes(void)
{
    mem_alloc_info_t info;
    return wasm_runtime_get_mem_alloc_info(&info) ? info.total_free_size : 0;
}

static uint32_t admit(const uint8_t *in, uint32_t bytes)
{
    yg_module_parts parts = { 0 };
    uint32_t status = yg_script_admit(in, bytes, &parts);
    uint32_t said[3] = { status, status == YG_OK ? parts.memory_bytes : 0, status == YG_OK ? parts.code_bytes : 0 };
    memcpy(answer, said, sizeof said);
    return sizeof said;
}

/* Returns the bytes of the answer. */
static uint32_t run(script_operation what, const uint8_t *in, uint32_t bytes)
{
    uint32_t length = 0;
    uint32_t now_ms = 0;
    switch (what) {
    case SCRIPTS_START:
        mkdir("flash", 0700);
        port_files_open("flash");
        memcpy(owner_key, in, sizeof owner_key);
        return give_u32(device_start(&device, owner_key, in + sizeof owner_key, bytes - (uint32_t)sizeof owner_key, 0));
    case SCRIPTS_COMMAND:
        now_ms = take_u32(&in);
        return yg_scripts_command(&device, now_ms, in, bytes - (uint32_t)sizeof now_ms, answer, sizeof answer);
    case SCRIPTS_RUN:
        now_ms = take_u32(&in);
        return give_u32(yg_scripts_run(&device, now_ms, take_u32(&in)));
    case SCRIPTS_EVENTS:
        length = (uint32_t)strlen(events);
        memcpy(answer, events, length);
        events[0] = 0;
        return length;
    case SCRIPTS_RESTART: {
        const yg_scripts_options options = device.options;
        yg_scripts_close(&device);
        yg_scripts_open(&device, &options, take_u32(&in));
        return 0;
    }
    case SCRIPTS_BOARD:
        return set_board(in);
    case SCRIPTS_CUTS:
        return cut_everywhere(in, bytes, answer, sizeof answer);
    case SCRIPTS_FREE:
        return give_u32(free_bytes());
    case SCRIPTS_ADMIT:
        return admit(in, bytes);
    }
    return 0;
}

int main(void)
{
    uint32_t head[2];
    while (port_read(head, sizeof head) == sizeof head && head[1] <= PAYLOAD_BYTES_MAX) {
        if (port_read(request, head[1]) != head[1])
            return 1;
        uint32_t result[3] = { 0, 0, 0 };
        result[2] = run((script_operation)head[0], request, head[1]);
        port_write(result, sizeof result);
        port_write(answer, result[2]);
    }
    return 0;
}
