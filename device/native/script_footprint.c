/*
 * What a script costs a small device, measured there: a request is a manifest and a module, the answer the status of
 * loading it (yg_script_code) and, u32 each, bytes of the pool, of the image, of linear memory and of its entry in the
 * runtime's list, instructions of loading and of its start, 1 when start, tick and command came to their end, and what of
 * the pool WAMR has for the environment of its calls (the stack is in it), for the instance, and for the module.
 */
#include <string.h>

#include "port.h"
#include "wasm_export.h"
#include "yg_natives.h"
#include "yg_script.h"

static _Alignas(8) uint8_t pool[24576];
static _Alignas(8) uint8_t image[YG_SCRIPT_MODULE_BYTES_MAX];
static uint8_t request[YG_MANIFEST_BYTES + YG_SCRIPT_MODULE_BYTES_MAX];
static yg_script script;
static yg_script_world world;

static void publish(void *context, const char *name, double value, const char *unit)
{
    (void)context;
    (void)name;
    (void)value;
    (void)unit;
}

static void log_line(void *context, const char *name, bool is_error, const char *text)
{
    (void)context;
    (void)name;
    (void)is_error;
    (void)text;
}

static bool get_kept(void *context, const char *name, const char *key, double *value)
{
    (void)context;
    (void)name;
    (void)key;
    *value = 1;
    return true;
}

static uint32_t set_kept(void *context, const char *name, const char *key, double value)
{
    (void)context;
    (void)name;
    (void)key;
    (void)value;
    return YG_NATIVE_OK;
}

static uint32_t free_bytes(void)
{
    mem_alloc_info_t info;
    return wasm_runtime_get_mem_alloc_info(&info) ? info.total_free_size : 0;
}

/* Whether everything that it can be called for came to its end. */
static bool works(void)
{
    int32_t status = 0;
    world.now_ms += 60000;
    for (uint32_t i = 0; i < YG_TIMERS; i++)
        yg_script_tick(&script);
    yg_script_command(&script, &status);
    return script.state == YG_STATE_RUNNING;
}

/* Takes the script apart, one of WAMR's parts after the other. */
static void measure_parts(uint32_t parts[3])
{
    if (script.sandbox.module == NULL)
        return;
    uint32_t before = free_bytes();
    wasm_runtime_destroy_exec_env(script.sandbox.environment);
    parts[0] = free_bytes() - before;
    wasm_runtime_deinstantiate(script.sandbox.instance);
    parts[1] = free_bytes() - before - parts[0];
    wasm_runtime_unload(script.sandbox.module);
    parts[2] = free_bytes() - before - parts[0] - parts[1];
}

int main(void)
{
    uint32_t head[2];
    world = (yg_script_world){ .publish = publish, .log = log_line, .get = get_kept, .set = set_kept };
    while (port_read(head, sizeof head) == sizeof head && head[1] <= sizeof request) {
        yg_manifest manifest;
        uint32_t figures[10] = { 0 };
        uint32_t answer[3] = { YG_SCRIPT_NO_ROOM, 0, sizeof figures };
        if (port_read(request, head[1]) != head[1])
            return 1;
        yg_manifest_read(request, &manifest);
        if (yg_runtime_start(pool, sizeof pool) == YG_OK && yg_natives_register() == YG_OK) {
            uint32_t before = free_bytes();
            uint32_t instructions = port_instructions();
            answer[0] = (uint32_t)yg_script_load(&script, &manifest, request + YG_MANIFEST_BYTES, image, &world);
            figures[4] = port_instructions() - instructions;
            figures[0] = before - free_bytes();
            figures[1] = script.sandbox.image_bytes;
            figures[2] = manifest.memory_bytes;
            figures[3] = sizeof script;
            if (answer[0] == YG_SCRIPT_DONE) {
                instructions = port_instructions();
                yg_script_start(&script);
                figures[5] = port_instructions() - instructions;
                figures[6] = works();
            }
            measure_parts(&figures[7]);
            yg_runtime_stop();
        }
        port_write(answer, sizeof answer);
        port_write(figures, sizeof figures);
    }
    return 0;
}
