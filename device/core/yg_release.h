/* What a release is: the 96 bytes that its owner signs. docs/updates.md has the layout. */
#ifndef YG_RELEASE_H
#define YG_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#define YG_RELEASE_MANIFEST_BYTES 96u
#define YG_RELEASE_SIGNATURE_BYTES 64u
/* Manifest and signature. */
#define YG_RELEASE_HEAD_BYTES (YG_RELEASE_MANIFEST_BYTES + YG_RELEASE_SIGNATURE_BYTES)
#define YG_RELEASE_CONTENT_BYTES_MAX 16777216u
/* With its zero. */
#define YG_RELEASE_NAME_BYTES 23u

typedef enum { YG_RELEASE_FIRMWARE = 1, YG_RELEASE_SCRIPT = 2 } yg_release_kind;

typedef struct {
    yg_release_kind kind;
    uint32_t content_bytes;
    uint32_t version;
    /* Once it is confirmed, no version below this is taken. */
    uint32_t oldest_version;
    char name[YG_RELEASE_NAME_BYTES];
    char target[YG_RELEASE_NAME_BYTES];
    uint8_t sha256[32];
} yg_release;

/* Reads a manifest that anybody may have written; false for what is none. */
bool yg_release_read(const uint8_t bytes[YG_RELEASE_MANIFEST_BYTES], yg_release *release);

#endif
