/* The credentials of a device, as `POST /api/v1/devices` answers them. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yg_device.h"

#define YG_ID_TEXT_BYTES 37u
#define YG_TOKEN_BYTES 512u

typedef struct {
    yg_identity identity;
    /* User name and password of MQTT. */
    char device_id[YG_ID_TEXT_BYTES];
    char token[YG_TOKEN_BYTES];
} yg_credentials;

/* Why credentials can't be used, for people; never with their content. */
typedef void (*yg_complaint)(const char *text);

/* Reads credentials from JSON. False, after a complaint, for what can't be used. */
bool yg_parse_credentials(const char *json, size_t bytes, yg_credentials *credentials, yg_complaint complain);

/* Reads a key of 32 bytes in base64url. */
bool yg_parse_key(const char *text, uint8_t key[32]);

#endif
