#include "esp_settings.h"

#include <string.h>

#include "nvs.h"

#define NAMESPACE "yg_device"

bool esp_settings_get(const char *name, char text[ESP_SETTING_BYTES])
{
    nvs_handle_t nvs;
    size_t bytes = ESP_SETTING_BYTES - 1;
    text[0] = 0;
    if (nvs_open(NAMESPACE, NVS_READWRITE, &nvs) != ESP_OK || nvs_get_blob(nvs, name, text, &bytes) != ESP_OK)
        return false;
    text[bytes] = 0;
    return bytes > 0;
}

bool esp_settings_set(const char *name, const char *text)
{
    nvs_handle_t nvs;
    if (nvs_open(NAMESPACE, NVS_READWRITE, &nvs) != ESP_OK)
        return false;
    esp_err_t error = *text == 0 ? nvs_erase_key(nvs, name) : nvs_set_blob(nvs, name, text, strlen(text));
    return (error == ESP_OK || error == ESP_ERR_NVS_NOT_FOUND) && nvs_commit(nvs) == ESP_OK;
}
