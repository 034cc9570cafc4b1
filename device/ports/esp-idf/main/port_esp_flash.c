/*
 * The two slots are the app partitions ota_0 and ota_1; the table and the marks are a data partition of three sectors (../partitions.csv). Which slot starts
 * is decided by the table; the boot loader is told by esp_ota_set_boot_partition.
 */
#include "esp_ota_ops.h"
#include "port.h"
#include "port_esp.h"

#define STATE_LABEL "yg_update"
#define TABLE_OFFSET 0u
#define MARKS_OFFSET (2u * PORT_SECTOR_BYTES)
#define STATE_BYTES (3u * PORT_SECTOR_BYTES)
/* A mark for each sector of a slot is a byte of one sector. */
#define SLOT_BYTES_MAX (PORT_SECTOR_BYTES * PORT_SECTOR_BYTES)

static const esp_partition_t *slots[2];
static const esp_partition_t *state;

bool port_esp_flash_open(void)
{
    slots[0] = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_0, NULL);
    slots[1] = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_1, NULL);
    state = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, STATE_LABEL);
    return slots[0] != NULL && slots[1] != NULL && slots[0]->size == slots[1]->size && slots[0]->size <= SLOT_BYTES_MAX
        && state != NULL && state->size >= STATE_BYTES;
}

uint32_t port_flash_slot_bytes(void)
{
    return slots[0]->size;
}

static const esp_partition_t *place(port_flash_region region, uint32_t *offset)
{
    if (region == PORT_SLOT_A || region == PORT_SLOT_B)
        return slots[region];
    *offset += region == PORT_TABLE ? TABLE_OFFSET : MARKS_OFFSET;
    return state;
}

bool port_flash_read(port_flash_region region, uint32_t offset, void *data, uint32_t bytes)
{
    const esp_partition_t *partition = place(region, &offset);
    return esp_partition_read(partition, offset, data, bytes) == ESP_OK;
}

bool port_flash_erase(port_flash_region region, uint32_t sector)
{
    uint32_t offset = sector * PORT_SECTOR_BYTES;
    const esp_partition_t *partition = place(region, &offset);
    return esp_partition_erase_range(partition, offset, PORT_SECTOR_BYTES) == ESP_OK;
}

bool port_flash_write(port_flash_region region, uint32_t offset, const void *data, uint32_t bytes)
{
    const esp_partition_t *partition = place(region, &offset);
    return esp_partition_write(partition, offset, data, bytes) == ESP_OK;
}

bool port_esp_flash_boot(uint32_t slot)
{
    return esp_ota_set_boot_partition(slots[slot]) == ESP_OK;
}

uint32_t port_esp_flash_running(void)
{
    return esp_ota_get_running_partition() == slots[1];
}
