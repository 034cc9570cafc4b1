/* SHA-256 (FIPS 180-4) of what comes piece by piece. */
#ifndef YG_SHA256_H
#define YG_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define YG_SHA256_BYTES 32u

typedef struct {
    uint32_t state[8];
    uint64_t byte_count;
    uint8_t block[64];
} yg_sha256;

void yg_sha256_begin(yg_sha256 *hash);
void yg_sha256_add(yg_sha256 *hash, const void *data, size_t bytes);

/* The digest of all that was added; `hash` is used up. */
void yg_sha256_end(yg_sha256 *hash, uint8_t digest[YG_SHA256_BYTES]);

#endif
