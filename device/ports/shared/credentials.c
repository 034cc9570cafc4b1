#include "credentials.h"

#include <string.h>

#include <cJSON.h>
#include <sodium.h>

bool yg_parse_key(const char *text, uint8_t key[32])
{
    size_t bytes = 0;
    return sodium_base642bin(key, 32, text, strlen(text), NULL, &bytes, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0
        && bytes == 32;
}

static bool parse_id(const char *text, uint8_t id[YG_ID_BYTES])
{
    size_t bytes = 0;
    return strlen(text) == YG_ID_TEXT_BYTES - 1
        && sodium_hex2bin(id, YG_ID_BYTES, text, strlen(text), "-", &bytes, NULL) == 0 && bytes == YG_ID_BYTES;
}

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    return text == NULL ? "" : text;
}

/* What is wrong, or NULL. */
static const char *parse_fields(const cJSON *json, yg_credentials *credentials)
{
    const char *id = text_of(json, "deviceId");
    const char *token = text_of(json, "token");
    if (!parse_id(id, credentials->identity.device_id))
        return "\"deviceId\" is not a UUID";
    if (!parse_id(text_of(json, "networkId"), credentials->identity.network_id))
        return "\"networkId\" is not a UUID";
    if (!yg_parse_key(text_of(json, "signingKey"), credentials->identity.signing_key))
        return "\"signingKey\" is not 32 bytes in base64url";
    if (*token == 0 || strlen(token) >= YG_TOKEN_BYTES)
        return "\"token\" is missing";
    strcpy(credentials->device_id, id);
    strcpy(credentials->token, token);
    return NULL;
}

bool yg_parse_credentials(const char *text, size_t bytes, yg_credentials *credentials, yg_complaint complain)
{
    memset(credentials, 0, sizeof *credentials);
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    const char *problem = cJSON_IsObject(json) ? parse_fields(json, credentials) : "the credentials are no JSON object";
    cJSON_Delete(json);
    if (problem != NULL)
        complain(problem);
    return problem == NULL;
}
