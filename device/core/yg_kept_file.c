#include "yg_kept_file.h"

#include <stddef.h>

#include "port.h"

/* Another one than that of yg_store.c, which removes its own at the start. */
#define UNFINISHED "unfinished.kept"
/* The polynomial of IEEE 802.3, reversed. */
#define CRC_POLYNOMIAL 0xedb88320u

static uint32_t checksum(const uint8_t *data, uint32_t bytes)
{
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC_POLYNOMIAL : 0);
    }
    return ~crc;
}

bool yg_kept_write(const char *name, const void *data, uint32_t bytes)
{
    uint32_t crc = checksum(data, bytes);
    return port_file_remove(UNFINISHED) && port_file_append(UNFINISHED, &crc, sizeof crc)
        && port_file_append(UNFINISHED, data, bytes) && port_file_sync(UNFINISHED) && port_file_rename(UNFINISHED, name);
}

int32_t yg_kept_read(const char *name, void *data, uint32_t bytes_max)
{
    uint32_t crc = 0;
    uint8_t more;
    if (port_file_read(name, 0, &crc, sizeof crc) != (int32_t)sizeof crc)
        return -1;
    int32_t bytes = port_file_read(name, sizeof crc, data, bytes_max);
    if (bytes < 0 || port_file_read(name, (uint32_t)sizeof crc + bytes_max, &more, 1) != 0)
        return -1;
    return checksum(data, (uint32_t)bytes) == crc ? bytes : -1;
}
