/*
 * NVS in memory, as far as ../ports/esp-idf calls it, with the losses of power of memory_files.h: an entry is replaced as a whole or not at
 * all (ESP-IDF, "Non-Volatile Storage Library": the old value stays until the new one is written).
 */
#include <string.h>

#include "memory_files.h"
#include "nvs.h"
#include "port_esp.h"

memory_flash memory_files;

static uint32_t operations;
static uint32_t cut_at;
static memory_cut kind_of_cut;
static void (*when_lost)(void);

void memory_files_cut(uint32_t operation, memory_cut kind, void (*lost)(void))
{
    operations = 0;
    cut_at = operation;
    kind_of_cut = kind;
    when_lost = lost;
}

void memory_files_start(void)
{
    port_esp_files_open();
}

uint32_t memory_files_operations(void)
{
    return operations;
}

static memory_file *find(const char *key)
{
    for (int i = 0; i < MEMORY_FILES; i++)
        if (strcmp(memory_files.files[i].name, key) == 0)
            return &memory_files.files[i];
    return NULL;
}

/* Whether power is lost in this operation. Of the kinds only the last leaves it done. */
static bool is_cut(void)
{
    bool is_losing = ++operations == cut_at;
    if (is_losing && kind_of_cut != MEMORY_CUT_UNSYNCED)
        when_lost();
    return is_losing;
}

esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode, nvs_handle_t *out_handle)
{
    (void)namespace_name;
    (void)open_mode;
    *out_handle = 1;
    return ESP_OK;
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value, size_t length)
{
    (void)handle;
    bool is_losing = is_cut();
    memory_file *entry = find(key);
    if (entry == NULL)
        entry = find("");
    if (entry == NULL || length > MEMORY_FILE_BYTES || strlen(key) > 15)
        return ESP_FAIL;
    memset(entry, 0, sizeof *entry);
    strcpy(entry->name, key);
    memcpy(entry->content, value, length);
    entry->bytes = (uint32_t)length;
    if (is_losing)
        when_lost();
    return ESP_OK;
}

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *out_value, size_t *length)
{
    const memory_file *entry = find(key);
    (void)handle;
    if (entry == NULL)
        return ESP_ERR_NVS_NOT_FOUND;
    if (*length < entry->bytes)
        return ESP_FAIL;
    memcpy(out_value, entry->content, entry->bytes);
    *length = entry->bytes;
    return ESP_OK;
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key)
{
    memory_file *entry = find(key);
    (void)handle;
    if (entry == NULL)
        return ESP_ERR_NVS_NOT_FOUND;
    bool is_losing = is_cut();
    memset(entry, 0, sizeof *entry);
    if (is_losing)
        when_lost();
    return ESP_OK;
}

esp_err_t nvs_commit(nvs_handle_t handle)
{
    (void)handle;
    return ESP_OK;
}
