#include "host_credentials.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#define FILE_BYTES_MAX 8192

bool host_read_key(const char *text, uint8_t key[32])
{
    size_t bytes = 0;
    return sodium_base642bin(key, 32, text, strlen(text), NULL, &bytes, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0
        && bytes == 32;
}

static bool read_id(const char *text, uint8_t id[YG_ID_BYTES])
{
    size_t bytes = 0;
    return strlen(text) == HOST_ID_TEXT_BYTES - 1
        && sodium_hex2bin(id, YG_ID_BYTES, text, strlen(text), "-", &bytes, NULL) == 0 && bytes == YG_ID_BYTES;
}

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    return text == NULL ? "" : text;
}

static bool read_fields(const cJSON *json, host_credentials *credentials)
{
    const char *id = text_of(json, "deviceId");
    const char *token = text_of(json, "token");
    if (!read_id(id, credentials->identity.device_id)) {
        fprintf(stderr, "\"deviceId\" is not a UUID\n");
        return false;
    }
    if (!read_id(text_of(json, "networkId"), credentials->identity.network_id)) {
        fprintf(stderr, "\"networkId\" is not a UUID\n");
        return false;
    }
    if (!host_read_key(text_of(json, "signingKey"), credentials->identity.signing_key)) {
        fprintf(stderr, "\"signingKey\" is not 32 bytes in base64url\n");
        return false;
    }
    if (*token == 0 || strlen(token) >= HOST_TOKEN_BYTES) {
        fprintf(stderr, "\"token\" is missing\n");
        return false;
    }
    strcpy(credentials->device_id, id);
    strcpy(credentials->token, token);
    return true;
}

bool host_read_credentials(const char *path, host_credentials *credentials)
{
    char text[FILE_BYTES_MAX];
    memset(credentials, 0, sizeof *credentials);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    size_t bytes = fread(text, 1, sizeof text, file);
    fclose(file);
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    bool is_read = cJSON_IsObject(json) && read_fields(json, credentials);
    if (!cJSON_IsObject(json))
        fprintf(stderr, "%s is no JSON object\n", path);
    cJSON_Delete(json);
    sodium_memzero(text, sizeof text);
    return is_read;
}
