#include <string.h>

#include "port.h"
#include "yg_device_parts.h"

#define UNKNOWN "This device doesn't know the command."
#define WRONG "An argument is missing, unknown or of another kind."

const char *const yg_device_commands[] = { "led.set", "led.get", "sensor.read", "settings.get", "settings.set", "monitor.get", NULL };

typedef yg_script_code (*command_function)(yg_device *device, const yg_command *command, yg_result *result);

static yg_script_code set_led(yg_device *device, const yg_command *command, yg_result *result)
{
    const yg_argument *on = yg_find_argument(command, "on");
    if (device->settings.values[YG_ACTUATOR_ENABLED] == 0)
        return YG_COMMAND_UNKNOWN;
    if (on == NULL || on->kind != YG_VALUE_BOOLEAN || command->argument_count != 1)
        return YG_COMMAND_ARGUMENT_WRONG;
    if (!port_actuator_set(YG_ACTUATOR, on->number))
        return YG_COMMAND_FAILED;
    yg_write_boolean(result, "on", on->number != 0);
    return YG_SCRIPT_DONE;
}

static yg_script_code get_led(yg_device *device, const yg_command *command, yg_result *result)
{
    double value = 0;
    if (device->settings.values[YG_ACTUATOR_ENABLED] == 0)
        return YG_COMMAND_UNKNOWN;
    if (command->argument_count != 0)
        return YG_COMMAND_ARGUMENT_WRONG;
    if (!port_actuator_get(YG_ACTUATOR, &value))
        return YG_COMMAND_FAILED;
    yg_write_boolean(result, "on", value != 0);
    return YG_SCRIPT_DONE;
}

static yg_script_code read_sensor(yg_device *device, const yg_command *command, yg_result *result)
{
    double value = 0;
    if (device->settings.values[YG_SENSOR_ENABLED] == 0)
        return YG_COMMAND_UNKNOWN;
    if (command->argument_count != 0)
        return YG_COMMAND_ARGUMENT_WRONG;
    if (!port_sensor_read(YG_SENSOR, &value))
        return YG_COMMAND_FAILED;
    yg_write_number(result, "temperature", value);
    yg_write_text(result, "unit", "celsius");
    yg_write_boolean(result, "simulated", port_board_is_simulated());
    return YG_SCRIPT_DONE;
}

static yg_script_code get_settings(yg_device *device, const yg_command *command, yg_result *result)
{
    if (command->argument_count != 0)
        return YG_COMMAND_ARGUMENT_WRONG;
    yg_settings_write(&device->settings, result);
    return YG_SCRIPT_DONE;
}

static yg_script_code set_settings(yg_device *device, const yg_command *command, yg_result *result)
{
    yg_script_code code = yg_settings_change(&device->settings, command);
    if (code != YG_SCRIPT_DONE)
        return code;
    /* The new interval counts from now. */
    device->reading_due_ms = device->now_ms + device->settings.values[YG_READING_INTERVAL_MS];
    yg_settings_write(&device->settings, result);
    return YG_SCRIPT_DONE;
}

static yg_script_code get_monitor(yg_device *device, const yg_command *command, yg_result *result)
{
    if (command->argument_count != 0)
        return YG_COMMAND_ARGUMENT_WRONG;
    yg_monitor_write(&device->monitor, result);
    return YG_SCRIPT_DONE;
}

/* In the order of yg_device_commands. */
static const command_function FUNCTIONS[] = { set_led, get_led, read_sensor, get_settings, set_settings, get_monitor };

static const char *words_of(yg_script_code code)
{
    switch (code) {
    case YG_COMMAND_UNKNOWN:
        return UNKNOWN;
    case YG_COMMAND_ARGUMENT_WRONG:
        return WRONG;
    case YG_SETTING_UNKNOWN:
        return "No setting has this name; settings.get lists them.";
    case YG_SETTING_WRONG:
        return "A value is no whole number within its limits, or contradicts another setting.";
    case YG_SCRIPT_NOT_STORED:
        return "The device's flash refuses.";
    default:
        return "The device can't do that.";
    }
}

uint32_t yg_device_refuse(uint32_t code, const char *message, uint8_t *result, uint32_t room)
{
    yg_result writer = { result, result + room, false };
    yg_write_error(&writer, code, message);
    return (uint32_t)(writer.at - result);
}

uint32_t yg_device_carry_out(yg_device *device, const uint8_t *payload, uint32_t bytes, uint8_t *result, uint32_t room)
{
    static yg_command command;
    yg_result writer = { result, result + room, false };
    if (!yg_read_command(payload, bytes, &command))
        return yg_device_refuse(YG_COMMAND_MALFORMED, "The payload is not a command.", result, room);
    for (uint32_t i = 0; yg_device_commands[i] != NULL; i++) {
        if (strcmp(command.name, yg_device_commands[i]) != 0)
            continue;
        yg_script_code code = FUNCTIONS[i](device, &command, &writer);
        if (code != YG_SCRIPT_DONE)
            return yg_device_refuse((uint32_t)code, words_of(code), result, room);
        return (uint32_t)(writer.at - result);
    }
    return yg_scripts_command(&device->scripts, device->now_ms, payload, bytes, result, room);
}
