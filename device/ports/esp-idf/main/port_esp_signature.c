#include <sodium.h>

#include "port.h"

bool port_verify_signature(const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t bytes)
{
    return crypto_sign_verify_detached(signature, message, bytes, key) == 0;
}
