/* What a device has to know before it reaches its server; kept in NVS, given over the serial line (esp_provision.h). */
#ifndef ESP_SETTINGS_H
#define ESP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define ESP_SETTING_BYTES 3072u

/* Reads a text; false where there is none. */
bool esp_settings_get(const char *name, char text[ESP_SETTING_BYTES]);

/* Keeps a text; an empty one takes it away. */
bool esp_settings_set(const char *name, const char *text);

#endif
