/* The simulated board of the host: what tests and the script of a simulation set and look at. */
#ifndef PORT_HOST_BOARD_H
#define PORT_HOST_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#define BOARD_PINS 40u

/* Sets an input, or the reading of the one sensor, `sensor.temperature`. */
void port_board_set_pin(uint32_t pin, bool level);
void port_board_set_celsius(double celsius);

/* How the pins are, and the one actuator, `led`. */
bool port_board_pin(uint32_t pin);
double port_board_led(void);

#endif
