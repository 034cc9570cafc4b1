/* The credentials of a device, as `POST /api/v1/devices` answers them. */
#ifndef HOST_CREDENTIALS_H
#define HOST_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_device.h"

#define HOST_ID_TEXT_BYTES 37u
#define HOST_TOKEN_BYTES 512u

typedef struct {
    yg_identity identity;
    /* User name and password of MQTT. */
    char device_id[HOST_ID_TEXT_BYTES];
    char token[HOST_TOKEN_BYTES];
} host_credentials;

/* Reads credentials from a file of JSON. False, with the reason on the standard error, for what can't be used. */
bool host_read_credentials(const char *path, host_credentials *credentials);

/* Reads a key of 32 bytes in base64url. */
bool host_read_key(const char *text, uint8_t key[32]);

#endif
