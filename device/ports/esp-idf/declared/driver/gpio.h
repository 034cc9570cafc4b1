#ifndef DRIVER_GPIO_H
#define DRIVER_GPIO_H
#include <stdbool.h>
#include "esp_err.h"
typedef int gpio_num_t;
typedef enum { GPIO_MODE_INPUT = 1, GPIO_MODE_INPUT_OUTPUT = 3 } gpio_mode_t;
bool GPIO_IS_VALID_GPIO(gpio_num_t gpio_num);
bool GPIO_IS_VALID_OUTPUT_GPIO(gpio_num_t gpio_num);
esp_err_t gpio_reset_pin(gpio_num_t gpio_num);
esp_err_t gpio_set_direction(gpio_num_t gpio_num, gpio_mode_t mode);
esp_err_t gpio_set_level(gpio_num_t gpio_num, uint32_t level);
int gpio_get_level(gpio_num_t gpio_num);
#endif
