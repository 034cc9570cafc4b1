#include "esp_claim.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cJSON.h"
#include "esp_http_client.h"
#include "esp_settings.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define URL_BYTES 256
#define BODY_BYTES 256
#define TIMEOUT_MS 15000
#define POLL_MS 5000
/* As long as a code is good: ten minutes. */
#define POLLS_MAX 120
#define CREATED 201
#define OK 200

/* Posts JSON and reads the JSON of the answer, which the caller deletes; NULL for anything but the expected status. */
static cJSON *ask(const char *url, const char *authority, const char *body, int expected)
{
    static char answer[ESP_SETTING_BYTES];
    const esp_http_client_config_t config = {
        .url = url,
        .cert_pem = authority,
        .method = HTTP_METHOD_POST,
        .timeout_ms = TIMEOUT_MS,
    };
    cJSON *json = NULL;
    int length = (int)strlen(body);
    esp_http_client_handle_t client = esp_http_client_init(&config);
    if (client == NULL)
        return NULL;
    esp_http_client_set_header(client, "content-type", "application/json");
    if (esp_http_client_open(client, length) == ESP_OK && esp_http_client_write(client, body, length) == length
        && esp_http_client_fetch_headers(client) >= 0 && esp_http_client_get_status_code(client) == expected) {
        int bytes = esp_http_client_read_response(client, answer, sizeof answer);
        json = bytes > 0 ? cJSON_ParseWithLength(answer, (size_t)bytes) : NULL;
        memset(answer, 0, sizeof answer);
    }
    esp_http_client_cleanup(client);
    return json;
}

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    return text == NULL ? "" : text;
}

/* Whether the credentials are there now and kept. */
static bool collect(const char *url, const char *authority, const char *body)
{
    cJSON *json = ask(url, authority, body, OK);
    const cJSON *credentials = cJSON_GetObjectItemCaseSensitive(json, "credentials");
    char *text = cJSON_IsObject(credentials) ? cJSON_PrintUnformatted(credentials) : NULL;
    bool is_kept = text != NULL && esp_settings_set("credentials", text);
    cJSON_free(text);
    cJSON_Delete(json);
    return is_kept;
}

bool esp_claim(const char *server, const char *authority)
{
    char url[URL_BYTES];
    char body[BODY_BYTES];
    snprintf(url, sizeof url, "%s/api/v1/device-claims", server);
    cJSON *json = ask(url, authority, "{\"worldType\":\"jotunheim\"}", CREATED);
    if (json == NULL) {
        printf("the server doesn't answer\n");
        return false;
    }
    printf("code %s\n", text_of(json, "code"));
    int url_bytes = snprintf(url, sizeof url, "%s/api/v1/device-claims/%s/credentials", server, text_of(json, "claimId"));
    int body_bytes = snprintf(body, sizeof body, "{\"secret\":\"%s\"}", text_of(json, "secret"));
    bool has_room = url_bytes > 0 && url_bytes < URL_BYTES && body_bytes > 0 && body_bytes < BODY_BYTES;
    cJSON_Delete(json);
    for (int poll = 0; has_room && poll < POLLS_MAX; poll++) {
        if (collect(url, authority, body)) {
            printf("claimed\n");
            return true;
        }
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    printf("nobody claimed it\n");
    return false;
}
