/* A script's module: admission, and when it is admitted loading it in WAMR, its start, a tick and a command. */
#include <stdlib.h>
#include <string.h>

#include "port.h"
#include "yg_natives.h"
#include "yg_script.h"

#define POOL_BYTES 32768

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_publish(void *context, const char *name, double value, const char *unit)
{
    (void)context;
    (void)value;
    /* What a script gives is a text. */
    if (strlen(name) >= YG_TEXT_BYTES || strlen(unit) >= YG_TEXT_BYTES)
        abort();
}

static void on_log(void *context, const char *script, bool is_error, const char *text)
{
    (void)context;
    (void)script;
    (void)is_error;
    if (strlen(text) >= 128)
        abort();
}

static bool get(void *context, const char *script, const char *key, double *value)
{
    (void)context;
    (void)script;
    *value = (double)strlen(key);
    return true;
}

static uint32_t set(void *context, const char *script, const char *key, double value)
{
    (void)context;
    (void)script;
    (void)key;
    (void)value;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t pool[POOL_BYTES];
    static _Alignas(8) uint8_t image[YG_SCRIPT_MODULE_BYTES_MAX];
    static yg_script script;
    yg_module_parts parts = { 0 };
    int32_t status = 0;
    if (size > YG_SCRIPT_MODULE_BYTES_MAX || yg_script_admit(data, (uint32_t)size, &parts) != YG_OK)
        return 0;
    const yg_manifest manifest = {
        .name = "fuzz",
        .module_bytes = (uint32_t)size,
        .version = 1,
        .memory_bytes = parts.memory_bytes,
        .stack_bytes = YG_SCRIPT_STACK_BYTES_MAX,
        .instructions_max = 20000,
        .call_ms_max = 1000,
        .calls_per_second_max = 100,
        .bytes_per_minute_max = 4096,
    };
    yg_script_world world = { .publish = on_publish, .log = on_log, .get = get, .set = set };
    memset(&script, 0, sizeof script);
    if (yg_runtime_start(pool, sizeof pool) != YG_OK || yg_natives_register() != YG_OK)
        abort();
    if (yg_script_load(&script, &manifest, data, image, &world) == YG_SCRIPT_DONE) {
        yg_script_start(&script);
        world.now_ms = 100;
        if (script.state == YG_STATE_RUNNING)
            yg_script_command(&script, &status);
        if (script.state == YG_STATE_RUNNING)
            yg_script_tick(&script);
        yg_script_stop(&script);
    }
    yg_runtime_stop();
    return 0;
}
