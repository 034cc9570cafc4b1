/* Flash of the host for updates: a file for each region, made at its full size. */
#ifndef PORT_HOST_FLASH_H
#define PORT_HOST_FLASH_H

#include <stdbool.h>
#include <stdint.h>

/* Opens the files in a folder, and makes those that are missing. False when that can't be done. */
bool port_flash_open(const char *folder, uint32_t slot_bytes);

#endif
