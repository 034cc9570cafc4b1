#include "yg_sandbox.h"

#include <stdbool.h>
#include <string.h>

#include "port.h"
#include "wasm_exec_env.h"
#include "wasm_export.h"
#include "yg_queue.h"
#include "yg_wipe.h"

#define ERROR_BYTES 64
#define ARGUMENTS 3

/* The task that started the runtime. WAMR has no locks here, so that no other may enter it. */
static uintptr_t owner;

yg_status yg_runtime_start(void *pool, uint32_t bytes)
{
    owner = port_task();
    RuntimeInitArgs arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.mem_alloc_type = Alloc_With_Pool;
    arguments.mem_alloc_option.pool.heap_buf = pool;
    arguments.mem_alloc_option.pool.heap_size = bytes;
    return wasm_runtime_full_init(&arguments) ? YG_OK : YG_NO_MEMORY;
}

void yg_runtime_stop(void)
{
    yg_require_task(owner);
    wasm_runtime_destroy();
}

void yg_runtime_memory(uint32_t *pool_bytes, uint32_t *used_bytes)
{
    mem_alloc_info_t info = { 0 };
    yg_require_task(owner);
    wasm_runtime_get_mem_alloc_info(&info);
    *pool_bytes = info.total_size;
    *used_bytes = info.total_size - info.total_free_size;
}

/* WAMR tells its reasons in text only. */
static yg_status status_of(const char *error, yg_status otherwise)
{
    return strstr(error, "allocate") != NULL ? YG_NO_MEMORY : otherwise;
}

static bool has_type(const yg_sandbox *sandbox)
{
    wasm_valkind_t kinds[ARGUMENTS];
    if (wasm_func_get_param_count(sandbox->function, sandbox->instance) != ARGUMENTS
        || wasm_func_get_result_count(sandbox->function, sandbox->instance) != 1)
        return false;
    wasm_func_get_param_types(sandbox->function, sandbox->instance, kinds);
    for (int i = 0; i < ARGUMENTS; i++)
        if (kinds[i] != WASM_I32)
            return false;
    wasm_func_get_result_types(sandbox->function, sandbox->instance, kinds);
    return kinds[0] == WASM_I32;
}

static yg_status load(yg_sandbox *sandbox, uint32_t bytes, const yg_sandbox_options *options)
{
    char error[ERROR_BYTES] = "";
    sandbox->module = wasm_runtime_load(options->image, bytes, error, sizeof error);
    if (sandbox->module == NULL)
        return status_of(error, YG_INVALID_MODULE);
    /* No heap for the host inside the module's memory: arguments go into static buffers. */
    sandbox->instance = wasm_runtime_instantiate(sandbox->module, options->stack_bytes, 0, error, sizeof error);
    if (sandbox->instance == NULL)
        return status_of(error, YG_INVALID_MODULE);
    sandbox->function = wasm_runtime_lookup_function(sandbox->instance, options->function);
    if (sandbox->function == NULL || !has_type(sandbox))
        return YG_WRONG_KIND;
    sandbox->environment = wasm_runtime_create_exec_env(sandbox->instance, options->stack_bytes);
    return sandbox->environment == NULL ? YG_NO_MEMORY : YG_OK;
}

yg_status yg_sandbox_load(yg_sandbox *sandbox, const uint8_t *module, uint32_t bytes,
                          const yg_sandbox_options *options)
{
    yg_module_parts parts;
    yg_require_task(owner);
    memset(sandbox, 0, sizeof *sandbox);
    yg_status status = yg_admit(module, bytes, options->policy, &parts);
    if (status != YG_OK)
        return status;
    if (parts.code_bytes > options->image_bytes)
        return YG_NO_MEMORY;
    memcpy(options->image, module, parts.code_bytes);
    sandbox->instructions_max = options->instructions_max;
    sandbox->milliseconds_max = options->milliseconds_max;
    sandbox->image_bytes = parts.code_bytes;
    status = load(sandbox, parts.code_bytes, options);
    if (status != YG_OK) {
        yg_sandbox_unload(sandbox);
        return status;
    }
    /* Data goes from the module straight into linear memory; kept in the image it would cost its size in RAM. */
    yg_write_data(&parts, wasm_runtime_addr_app_to_native(sandbox->instance, 0));
    return YG_OK;
}

void yg_sandbox_set_user(yg_sandbox *sandbox, void *user)
{
    wasm_runtime_set_user_data(sandbox->environment, user);
}

/* Overwrites what the module computed with: its memory, and the frames of its calls. */
static void wipe(const yg_sandbox *sandbox)
{
    uint64_t end = 0;
    if (sandbox->instance != NULL && wasm_runtime_get_app_addr_range(sandbox->instance, 0, NULL, &end))
        yg_wipe(wasm_runtime_addr_app_to_native(sandbox->instance, 0), (size_t)end);
    if (sandbox->environment != NULL) {
        WASMExecEnv *environment = sandbox->environment;
        yg_wipe(environment->wasm_stack.bottom,
                (size_t)(environment->wasm_stack.top_boundary - environment->wasm_stack.bottom));
    }
}

void yg_sandbox_unload(yg_sandbox *sandbox)
{
    if (sandbox->module == NULL)
        return;
    yg_require_task(owner);
    wipe(sandbox);
    if (sandbox->environment != NULL)
        wasm_runtime_destroy_exec_env(sandbox->environment);
    if (sandbox->instance != NULL)
        wasm_runtime_deinstantiate(sandbox->instance);
    if (sandbox->module != NULL)
        wasm_runtime_unload(sandbox->module);
    memset(sandbox, 0, sizeof *sandbox);
}

yg_status yg_sandbox_call(yg_sandbox *sandbox, uint32_t a, uint32_t b, uint32_t c, int32_t *result)
{
    yg_require_task(owner);
    uint32_t cells[ARGUMENTS] = { a, b, c };
    uint64_t time_us = (uint64_t)sandbox->milliseconds_max * 1000u;
    wasm_runtime_set_instruction_count_limit(sandbox->environment, (int)sandbox->instructions_max);
    wasm_runtime_set_deadline(sandbox->environment, time_us == 0 ? 0 : port_clock_us() + time_us);
    if (wasm_runtime_call_wasm(sandbox->environment, sandbox->function, ARGUMENTS, cells)) {
        *result = (int32_t)cells[0];
        return YG_OK;
    }
    const char *exception = wasm_runtime_get_exception(sandbox->instance);
    yg_status status = YG_TRAPPED;
    if (exception != NULL && strstr(exception, "instruction limit") != NULL)
        status = YG_INSTRUCTION_LIMIT;
    else if (exception != NULL && strstr(exception, "time limit") != NULL)
        status = YG_TIME_LIMIT;
    wasm_runtime_clear_exception(sandbox->instance);
    return status;
}

uint8_t *yg_sandbox_memory(const yg_sandbox *sandbox, uint32_t address, uint32_t bytes)
{
    yg_require_task(owner);
    if (!wasm_runtime_validate_app_addr(sandbox->instance, address, bytes)) {
        wasm_runtime_clear_exception(sandbox->instance);
        return NULL;
    }
    return wasm_runtime_addr_app_to_native(sandbox->instance, address);
}
