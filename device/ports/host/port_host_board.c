#include "port_host_board.h"

#include <string.h>

#include "port.h"

static bool pins[BOARD_PINS];
static double celsius = 20.5;
static double led;

void port_board_set_pin(uint32_t pin, bool level)
{
    if (pin < BOARD_PINS)
        pins[pin] = level;
}

void port_board_set_celsius(double value)
{
    celsius = value;
}

bool port_board_pin(uint32_t pin)
{
    return pin < BOARD_PINS && pins[pin];
}

double port_board_led(void)
{
    return led;
}

bool port_gpio_mode(uint32_t pin, bool is_output)
{
    (void)is_output;
    return pin < BOARD_PINS;
}

bool port_gpio_write(uint32_t pin, bool level)
{
    port_board_set_pin(pin, level);
    return pin < BOARD_PINS;
}

int port_gpio_read(uint32_t pin)
{
    return pin < BOARD_PINS ? pins[pin] : -1;
}

bool port_sensor_read(const char *name, double *value)
{
    *value = celsius;
    return strcmp(name, "sensor.temperature") == 0;
}

bool port_actuator_get(const char *name, double *value)
{
    *value = led;
    return strcmp(name, "led") == 0;
}

bool port_actuator_set(const char *name, double value)
{
    if (strcmp(name, "led") != 0)
        return false;
    led = value;
    return true;
}
