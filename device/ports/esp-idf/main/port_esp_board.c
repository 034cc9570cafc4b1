/* The board: its pins, an LED on one of them, and the chip's own thermometer, which measures the chip and not the room. */
#include <string.h>

#include "driver/gpio.h"
#include "port.h"
#include "port_esp.h"
#include "sdkconfig.h"
#if !CONFIG_IDF_TARGET_ESP32
#include "driver/temperature_sensor.h"
#endif

/* Of the ESP32-C3-DevKitM-1; other boards: this line. */
#ifndef YG_LED_PIN
#define YG_LED_PIN 8
#endif
#define CHIP_CELSIUS_MIN (-10)
#define CHIP_CELSIUS_MAX 80

static bool is_led_on;

#if CONFIG_IDF_TARGET_ESP32
/* This chip has none. */
static void start_thermometer(void) {}

static bool read_thermometer(double *celsius)
{
    (void)celsius;
    return false;
}
#else
static temperature_sensor_handle_t thermometer;

static void start_thermometer(void)
{
    const temperature_sensor_config_t config = TEMPERATURE_SENSOR_CONFIG_DEFAULT(CHIP_CELSIUS_MIN, CHIP_CELSIUS_MAX);
    if (temperature_sensor_install(&config, &thermometer) != ESP_OK || temperature_sensor_enable(thermometer) != ESP_OK)
        thermometer = NULL;
}

static bool read_thermometer(double *celsius)
{
    float value;
    if (thermometer == NULL || temperature_sensor_get_celsius(thermometer, &value) != ESP_OK)
        return false;
    *celsius = (double)value;
    return true;
}
#endif

void port_esp_board_start(void)
{
    start_thermometer();
    port_gpio_mode(YG_LED_PIN, true);
    port_gpio_write(YG_LED_PIN, false);
}

bool port_board_is_simulated(void)
{
    return false;
}

bool port_gpio_mode(uint32_t pin, bool is_output)
{
    gpio_num_t number = (gpio_num_t)pin;
    bool is_there = is_output ? GPIO_IS_VALID_OUTPUT_GPIO(number) : GPIO_IS_VALID_GPIO(number);
    return is_there && gpio_reset_pin(number) == ESP_OK
        && gpio_set_direction(number, is_output ? GPIO_MODE_INPUT_OUTPUT : GPIO_MODE_INPUT) == ESP_OK;
}

bool port_gpio_write(uint32_t pin, bool level)
{
    return GPIO_IS_VALID_OUTPUT_GPIO((gpio_num_t)pin) && gpio_set_level((gpio_num_t)pin, level) == ESP_OK;
}

int port_gpio_read(uint32_t pin)
{
    return GPIO_IS_VALID_GPIO((gpio_num_t)pin) ? gpio_get_level((gpio_num_t)pin) : -1;
}

bool port_sensor_read(const char *name, double *value)
{
    return strcmp(name, "sensor.temperature") == 0 && read_thermometer(value);
}

bool port_actuator_set(const char *name, double value)
{
    if (strcmp(name, "led") != 0)
        return false;
    is_led_on = value != 0;
    return port_gpio_write(YG_LED_PIN, is_led_on);
}

bool port_actuator_get(const char *name, double *value)
{
    *value = is_led_on;
    return strcmp(name, "led") == 0;
}
