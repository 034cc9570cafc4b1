/* A board with nothing on it: enough to measure what a script needs. */
#include "port.h"

bool port_gpio_mode(uint32_t pin, bool is_output)
{
    (void)pin;
    (void)is_output;
    return true;
}

bool port_gpio_write(uint32_t pin, bool level)
{
    (void)pin;
    (void)level;
    return true;
}

int port_gpio_read(uint32_t pin)
{
    (void)pin;
    return 0;
}

bool port_sensor_read(const char *name, double *value)
{
    (void)name;
    *value = 20.5;
    return true;
}

bool port_actuator_set(const char *name, double value)
{
    (void)name;
    (void)value;
    return true;
}
