#define _POSIX_C_SOURCE 200809L
#include "port_host_flash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port.h"

#define PATH_BYTES 512
#define REGIONS 4

static const char *const NAMES[REGIONS] = { "slot-a", "slot-b", "table", "marks" };
static int files[REGIONS] = { -1, -1, -1, -1 };
static uint32_t bytes_of_slot;

uint32_t port_flash_slot_bytes(void)
{
    return bytes_of_slot;
}

bool port_flash_read(port_flash_region region, uint32_t offset, void *data, uint32_t bytes)
{
    return pread(files[region], data, bytes, (off_t)offset) == (ssize_t)bytes;
}

bool port_flash_write(port_flash_region region, uint32_t offset, const void *data, uint32_t bytes)
{
    return pwrite(files[region], data, bytes, (off_t)offset) == (ssize_t)bytes && fsync(files[region]) == 0;
}

bool port_flash_erase(port_flash_region region, uint32_t sector)
{
    uint8_t erased[PORT_SECTOR_BYTES];
    memset(erased, 0xff, sizeof erased);
    return port_flash_write(region, sector * PORT_SECTOR_BYTES, erased, sizeof erased);
}

static uint32_t sectors_of(int region)
{
    if (region == PORT_TABLE)
        return 2;
    return region == PORT_MARKS ? 1 : bytes_of_slot / PORT_SECTOR_BYTES;
}

bool port_flash_open(const char *folder, uint32_t slot_bytes)
{
    char path[PATH_BYTES];
    struct stat found;
    bytes_of_slot = slot_bytes;
    mkdir(folder, 0700);
    for (int region = 0; region < REGIONS; region++) {
        if (files[region] >= 0)
            close(files[region]);
        snprintf(path, sizeof path, "%s/%s.bin", folder, NAMES[region]);
        files[region] = open(path, O_RDWR | O_CREAT, 0600);
        if (files[region] < 0 || fstat(files[region], &found) != 0)
            return false;
        for (uint32_t i = (uint32_t)found.st_size / PORT_SECTOR_BYTES; i < sectors_of(region); i++)
            if (!port_flash_erase((port_flash_region)region, i))
                return false;
    }
    return true;
}
