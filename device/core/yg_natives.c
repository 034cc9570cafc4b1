#include "yg_natives.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "port.h"
#include "wasm_export.h"
#include "yg_script.h"

#define PINS 40u
#define NUMBER_BYTES 8u

enum {
    LOG = 1,
    CLOCK = 2,
    GPIO_MODE = 3,
    GPIO_WRITE = 4,
    GPIO_READ = 5,
    SENSOR_READ = 6,
    ACTUATOR_SET = 7,
    TIMER_SET = 8,
    PUBLISH = 9,
    STORAGE_GET = 10,
    STORAGE_SET = 11,
    ARGUMENT = 12,
    ANSWER = 13,
};

const yg_import yg_native_imports[YG_NATIVES] = {
    { "yg", "1" }, { "yg", "2" }, { "yg", "3" },  { "yg", "4" },  { "yg", "5" },  { "yg", "6" },  { "yg", "7" },
    { "yg", "8" }, { "yg", "9" }, { "yg", "10" }, { "yg", "11" }, { "yg", "12" }, { "yg", "13" },
};

/* An AssemblyScript string of printable ASCII: UTF-16 at the address, its bytes in the u32 before it. */
static bool get_text(const yg_script *script, uint32_t address, char text[YG_TEXT_BYTES])
{
    uint32_t bytes = 0;
    const uint8_t *head = address < 4 ? NULL : yg_sandbox_memory(&script->sandbox, address - 4, 4);
    if (head == NULL)
        return false;
    memcpy(&bytes, head, sizeof bytes);
    if (bytes % 2 != 0 || bytes > (YG_TEXT_BYTES - 1) * 2)
        return false;
    const uint8_t *units = bytes == 0 ? head : yg_sandbox_memory(&script->sandbox, address, bytes);
    if (units == NULL)
        return false;
    for (uint32_t i = 0; i < bytes / 2; i++) {
        if (units[2 * i + 1] != 0 || units[2 * i] < 0x20 || units[2 * i] > 0x7e)
            return false;
        text[i] = (char)units[2 * i];
    }
    text[bytes / 2] = 0;
    return true;
}

static bool get_name(const yg_script *script, uint32_t address, char name[YG_TEXT_BYTES])
{
    return get_text(script, address, name) && name[0] != 0;
}

static bool get_number(const yg_script *script, uint32_t address, double *value)
{
    const uint8_t *memory = yg_sandbox_memory(&script->sandbox, address, NUMBER_BYTES);
    if (memory == NULL)
        return false;
    memcpy(value, memory, sizeof *value);
    return isfinite(*value);
}

static uint32_t give_number(const yg_script *script, uint32_t address, bool is_there, double value)
{
    uint8_t *memory = yg_sandbox_memory(&script->sandbox, address, NUMBER_BYTES);
    if (memory == NULL)
        return YG_NATIVE_OUT_OF_RANGE;
    if (!is_there)
        return YG_NATIVE_UNKNOWN;
    memcpy(memory, &value, sizeof value);
    return YG_NATIVE_OK;
}

static yg_named_number *find(yg_named_number *numbers, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(numbers[i].name, name) == 0)
            return &numbers[i];
    return NULL;
}

static uint32_t answer(yg_script_world *world, const char *name, double value)
{
    yg_named_number *entry = find(world->answers, world->answer_count, name);
    if (entry == NULL) {
        if (world->answer_count == YG_ANSWERS_MAX)
            return YG_NATIVE_OUT_OF_RANGE;
        entry = &world->answers[world->answer_count++];
        strcpy(entry->name, name);
    }
    entry->value = value;
    return YG_NATIVE_OK;
}

static uint32_t set_timer(yg_script *script, uint32_t id, int32_t milliseconds, bool repeats)
{
    if (id >= YG_TIMERS || milliseconds < 0)
        return YG_NATIVE_OUT_OF_RANGE;
    uint32_t period_ms = (uint32_t)milliseconds < YG_TIMER_MS_MIN ? YG_TIMER_MS_MIN : (uint32_t)milliseconds;
    script->timers_set = (uint8_t)(script->timers_set & ~(1u << id));
    if (milliseconds == 0)
        return YG_NATIVE_OK;
    script->timers_set = (uint8_t)(script->timers_set | 1u << id);
    script->timers[id].due_ms = script->world->now_ms + period_ms;
    script->timers[id].period_ms = repeats ? period_ms : 0;
    return YG_NATIVE_OK;
}

static uint32_t use_pin(yg_script *script, uint32_t number, uint32_t pin, uint32_t level)
{
    if (number == GPIO_READ)
        return (uint32_t)(pin < PINS ? port_gpio_read(pin) : -1);
    uint64_t bit = pin < PINS ? (uint64_t)1 << pin : 0;
    if (bit == 0 || (number == GPIO_WRITE && (script->outputs & bit) == 0))
        return YG_NATIVE_UNKNOWN;
    if (number == GPIO_WRITE)
        return port_gpio_write(pin, level != 0) ? YG_NATIVE_OK : YG_NATIVE_UNKNOWN;
    if (!port_gpio_mode(pin, level == 1))
        return YG_NATIVE_UNKNOWN;
    script->outputs = level == 1 ? script->outputs | bit : script->outputs & ~bit;
    return YG_NATIVE_OK;
}

/* Those that ask for a number by its name. */
static uint32_t ask(yg_script *script, uint32_t number, const char *name, uint32_t result)
{
    yg_script_world *world = script->world;
    double value = 0;
    bool is_there = false;
    if (number == SENSOR_READ) {
        is_there = port_sensor_read(name, &value);
    } else if (number == STORAGE_GET) {
        is_there = world->get(world->context, script->manifest.name, name, &value);
    } else {
        const yg_named_number *found = find(world->arguments, world->argument_count, name);
        is_there = found != NULL;
        value = is_there ? found->value : 0;
    }
    return give_number(script, result, is_there, value);
}

/* Those that give a number a name. */
static uint32_t tell(yg_script *script, uint32_t number, const char *name, double value, uint32_t unit_address)
{
    yg_script_world *world = script->world;
    uint32_t bytes = (uint32_t)strlen(name) + NUMBER_BYTES;
    char unit[YG_TEXT_BYTES];
    double kept = 0;
    switch (number) {
    case ACTUATOR_SET:
        return port_actuator_set(name, value) ? YG_NATIVE_OK : YG_NATIVE_UNKNOWN;
    case PUBLISH:
        if (!get_text(script, unit_address, unit))
            return YG_NATIVE_OUT_OF_RANGE;
        if (!yg_script_spend(script, bytes + (uint32_t)strlen(unit)))
            return YG_NATIVE_LIMIT;
        world->publish(world->context, name, value, unit);
        return YG_NATIVE_OK;
    case STORAGE_SET:
        /* What is there already costs no write. */
        if (world->get(world->context, script->manifest.name, name, &kept) && kept == value)
            return YG_NATIVE_OK;
        return yg_script_spend(script, bytes) ? world->set(world->context, script->manifest.name, name, value)
                                              : (uint32_t)YG_NATIVE_LIMIT;
    default:
        return answer(world, name, value);
    }
}

static uint32_t carry_out(yg_script *script, uint32_t number, uint32_t a, uint32_t b, uint32_t c)
{
    char text[YG_TEXT_BYTES];
    double value = 0;
    switch (number) {
    case LOG:
        if (!get_name(script, b, text))
            return YG_NATIVE_OUT_OF_RANGE;
        if (!yg_script_spend(script, (uint32_t)strlen(text)))
            return YG_NATIVE_LIMIT;
        script->world->log(script->world->context, script->manifest.name, a == 0, text);
        return YG_NATIVE_OK;
    case CLOCK:
        return give_number(script, a, true, (double)script->world->now_ms);
    case GPIO_MODE:
    case GPIO_WRITE:
    case GPIO_READ:
        return use_pin(script, number, a, b);
    case TIMER_SET:
        return set_timer(script, a, (int32_t)b, c != 0);
    case SENSOR_READ:
    case STORAGE_GET:
    case ARGUMENT:
        return get_name(script, a, text) ? ask(script, number, text, b) : (uint32_t)YG_NATIVE_OUT_OF_RANGE;
    default:
        return get_name(script, a, text) && get_number(script, b, &value) ? tell(script, number, text, value, c)
                                                                          : (uint32_t)YG_NATIVE_OUT_OF_RANGE;
    }
}

/* WAMR's raw convention: each argument in 64 bits, the result in place of the first. */
static void native(wasm_exec_env_t environment, uint64_t *cells)
{
    yg_script *script = wasm_runtime_get_user_data(environment);
    uint32_t number = (uint32_t)(uintptr_t)wasm_runtime_get_function_attachment(environment);
    uint32_t result = carry_out(script, number, (uint32_t)cells[0], (uint32_t)cells[1], (uint32_t)cells[2]);
    memcpy(cells, &result, sizeof result);
}

yg_status yg_natives_register(void)
{
    /* WAMR sorts the list, and keeps it. */
    static NativeSymbol symbols[YG_NATIVES];
    void (*const function)(wasm_exec_env_t, uint64_t *) = native;
    for (uint32_t i = 0; i < YG_NATIVES; i++) {
        symbols[i] = (NativeSymbol){
            .symbol = yg_native_imports[i].name,
            .signature = "(iii)i",
            .attachment = (void *)(uintptr_t)(i + 1),
        };
        /* ISO C has no conversion of a function's pointer to `void *`. */
        memcpy(&symbols[i].func_ptr, &function, sizeof function);
    }
    return wasm_runtime_register_natives_raw("yg", symbols, YG_NATIVES) ? YG_OK : YG_NO_MEMORY;
}
