#include "yg_settings.h"

#include <math.h>
#include <string.h>

#include "yg_kept_file.h"

#define FILE_NAME "settings.cfg"

typedef struct {
    const char *name;
    uint32_t least;
    uint32_t most;
    uint32_t at_first;
} description;

static const description DESCRIPTIONS[YG_SETTINGS] = {
    [YG_READING_INTERVAL_MS] = { "capability_configuration.reading_interval_ms", 1000, 86400000, 10000 },
    [YG_SENSOR_ENABLED] = { "capability_configuration.sensor_enabled", 0, 1, 1 },
    [YG_ACTUATOR_ENABLED] = { "capability_configuration.actuator_enabled", 0, 1, 1 },
    [YG_RETRY_MS_MIN] = { "network_resilience_settings.retry_ms_min", 100, 60000, 250 },
    [YG_RETRY_MS_MAX] = { "network_resilience_settings.retry_ms_max", 100, 3600000, 30000 },
    [YG_STABLE_MS] = { "network_resilience_settings.stable_ms", 0, 3600000, 5000 },
    [YG_BYTES_PER_MINUTE] = { "resource_limits.bytes_per_minute", 1024, 16777216, 262144 },
    [YG_SCRIPT_CALLS_AT_ONCE] = { "resource_limits.script_calls_at_once", 1, 100, 10 },
    [YG_POOL_WARNING_PERCENT] = { "resource_limits.pool_warning_percent", 50, 100, 90 },
    [YG_UPDATES_ENABLED] = { "ota_update_settings.enabled", 0, 1, 1 },
    [YG_OLDER_ALLOWED] = { "ota_update_settings.older_allowed", 0, 1, 1 },
};

static bool is_valid(const yg_settings *settings)
{
    for (uint32_t i = 0; i < YG_SETTINGS; i++)
        if (settings->values[i] < DESCRIPTIONS[i].least || settings->values[i] > DESCRIPTIONS[i].most)
            return false;
    return settings->values[YG_RETRY_MS_MIN] <= settings->values[YG_RETRY_MS_MAX];
}

void yg_settings_open(yg_settings *settings)
{
    if (yg_kept_read(FILE_NAME, settings, sizeof *settings) == (int32_t)sizeof *settings && is_valid(settings))
        return;
    for (uint32_t i = 0; i < YG_SETTINGS; i++)
        settings->values[i] = DESCRIPTIONS[i].at_first;
}

static uint32_t find(const char *name)
{
    uint32_t i = 0;
    while (i < YG_SETTINGS && strcmp(DESCRIPTIONS[i].name, name) != 0)
        i++;
    return i;
}

yg_script_code yg_settings_change(yg_settings *settings, const yg_command *command)
{
    yg_settings changed = *settings;
    for (uint32_t i = 0; i < command->argument_count; i++) {
        const yg_argument *argument = &command->arguments[i];
        uint32_t at = find(argument->name);
        if (at == YG_SETTINGS)
            return YG_SETTING_UNKNOWN;
        bool is_number = argument->kind == YG_VALUE_BOOLEAN || argument->kind == YG_VALUE_INTEGER
            || argument->kind == YG_VALUE_NUMBER;
        if (!is_number || !(argument->number >= 0 && argument->number <= DESCRIPTIONS[at].most)
            || argument->number != floor(argument->number))
            return YG_SETTING_WRONG;
        changed.values[at] = (uint32_t)argument->number;
    }
    if (!is_valid(&changed))
        return YG_SETTING_WRONG;
    if (!yg_kept_write(FILE_NAME, &changed, sizeof changed))
        return YG_SCRIPT_NOT_STORED;
    *settings = changed;
    return YG_SCRIPT_DONE;
}

void yg_settings_write(const yg_settings *settings, yg_result *result)
{
    for (uint32_t i = 0; i < YG_SETTINGS; i++)
        yg_write_number(result, DESCRIPTIONS[i].name, settings->values[i]);
}
