/*
 * The settings of a device, by name: whole numbers with limits, in four groups. A change is taken as a whole or not at all, kept on
 * flash, and holds at once. docs/devices-in-c.md lists them.
 */
#ifndef YG_SETTINGS_H
#define YG_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_payload.h"
#include "yg_script_code.h"

typedef enum {
    /* capability_configuration */
    YG_READING_INTERVAL_MS,
    YG_SENSOR_ENABLED,
    YG_ACTUATOR_ENABLED,
    /* network_resilience_settings */
    YG_RETRY_MS_MIN,
    YG_RETRY_MS_MAX,
    YG_STABLE_MS,
    /* resource_limits */
    YG_BYTES_PER_MINUTE,
    YG_SCRIPT_CALLS_AT_ONCE,
    YG_POOL_WARNING_PERCENT,
    /* ota_update_settings */
    YG_UPDATES_ENABLED,
    YG_OLDER_ALLOWED,
    YG_SETTINGS,
} yg_setting;

typedef struct {
    uint32_t values[YG_SETTINGS];
} yg_settings;

/* Reads what was kept; where nothing is, or it isn't whole, every setting is what the firmware came with. */
void yg_settings_open(yg_settings *settings);

/*
 * Changes what a command names, e.g. `resource_limits.bytes_per_minute`. YG_SETTING_UNKNOWN, YG_SETTING_WRONG for one that is no whole
 * number within its limits or contradicts another, YG_SCRIPT_NOT_STORED when flash refuses; then nothing has changed.
 */
yg_script_code yg_settings_change(yg_settings *settings, const yg_command *command);

/* Writes all of them, by name. */
void yg_settings_write(const yg_settings *settings, yg_result *result);

#endif
