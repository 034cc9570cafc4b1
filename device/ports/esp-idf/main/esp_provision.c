#include "esp_provision.h"

#include <stdio.h>
#include <string.h>

#include "cJSON.h"
#include "credentials.h"
#include "esp_settings.h"

#define SETTINGS (sizeof NAMES / sizeof NAMES[0])

static const char *const NAMES[] = { "ssid", "password", "server", "mqtt", "authority", "scriptKey", "releaseKey", "credentials" };

static bool has(const char *name)
{
    static char text[ESP_SETTING_BYTES];
    return esp_settings_get(name, text);
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* With TLS, and without the certificate of its authority, a server could be anybody's. */
static bool needs_authority(void)
{
    static char text[ESP_SETTING_BYTES];
    return (esp_settings_get("server", text) && begins_with(text, "https://"))
        || (esp_settings_get("mqtt", text) && begins_with(text, "mqtts://"));
}

bool esp_provision_can_claim(void)
{
    return has("ssid") && has("server") && has("mqtt") && (!needs_authority() || has("authority"));
}

bool esp_provision_is_complete(void)
{
    return esp_provision_can_claim() && has("credentials");
}

static void complain(const char *text)
{
    printf("%s\n", text);
}

/* Whether a value may be a setting's. */
static bool is_valid(const char *name, const char *text)
{
    uint8_t key[32];
    yg_credentials credentials;
    if (strlen(text) >= ESP_SETTING_BYTES)
        return false;
    if (strcmp(name, "server") == 0)
        return begins_with(text, "https://") || begins_with(text, "http://");
    if (strcmp(name, "mqtt") == 0)
        return begins_with(text, "mqtts://") || begins_with(text, "mqtt://");
    if (strcmp(name, "scriptKey") == 0 || strcmp(name, "releaseKey") == 0)
        return yg_parse_key(text, key);
    if (strcmp(name, "credentials") == 0)
        return yg_parse_credentials(text, strlen(text), &credentials, complain);
    return true;
}

/* The text of a value; that of an object is the caller's to free. */
static const char *value_of(const cJSON *json, const char *name, char **made)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, name);
    *made = cJSON_IsObject(value) ? cJSON_PrintUnformatted(value) : NULL;
    return *made != NULL ? *made : cJSON_GetStringValue(value);
}

/* Looks at all of a line, or keeps all of it. */
static esp_line take(const cJSON *json, bool is_kept)
{
    esp_line result = ESP_LINE_NOT_UNDERSTOOD;
    for (size_t i = 0; i < SETTINGS; i++) {
        char *made = NULL;
        const char *text = value_of(json, NAMES[i], &made);
        bool is_right = text == NULL || is_valid(NAMES[i], text);
        bool is_done = text == NULL || !is_kept || esp_settings_set(NAMES[i], text);
        if (text != NULL)
            result = ESP_LINE_TAKEN;
        cJSON_free(made);
        if (!is_right)
            return ESP_LINE_NOT_UNDERSTOOD;
        if (!is_done)
            return ESP_LINE_NOT_KEPT;
    }
    return result;
}

static esp_line forget(void)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (!esp_settings_set(NAMES[i], ""))
            return ESP_LINE_NOT_KEPT;
    return ESP_LINE_TAKEN;
}

static void show(void)
{
    for (size_t i = 0; i < SETTINGS; i++)
        printf("%s: %s\n", NAMES[i], has(NAMES[i]) ? "is set" : "is missing");
}

esp_line esp_provision_line(const char *line)
{
    if (strcmp(line, "claim") == 0)
        return ESP_LINE_CLAIM;
    if (strcmp(line, "restart") == 0)
        return ESP_LINE_RESTART;
    if (strcmp(line, "forget") == 0)
        return forget();
    if (strcmp(line, "show") == 0) {
        show();
        return ESP_LINE_TAKEN;
    }
    cJSON *json = cJSON_ParseWithLength(line, strlen(line));
    esp_line result = cJSON_IsObject(json) ? take(json, false) : ESP_LINE_NOT_UNDERSTOOD;
    if (result == ESP_LINE_TAKEN)
        result = take(json, true);
    cJSON_Delete(json);
    return result;
}
