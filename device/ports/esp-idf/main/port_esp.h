/* What the firmware starts of its port before anything else. */
#ifndef PORT_ESP_H
#define PORT_ESP_H

#include <stdbool.h>
#include <stdint.h>

/* Makes what the port needs of FreeRTOS. */
bool port_esp_start(void);

/* Opens flash as files: a namespace of NVS, and what it holds. */
bool port_esp_files_open(void);

/* Finds the two slots and the partition of table and marks. */
bool port_esp_flash_open(void);

/* Makes the image of a slot the one that the boot loader starts. False where it is no image. */
bool port_esp_flash_boot(uint32_t slot);

/* The slot that runs. */
uint32_t port_esp_flash_running(void);

/* Starts the chip's own thermometer, where it has one, and makes the LED's pin an output. */
void port_esp_board_start(void);

#endif
