/*
 * The frame of bifrost.proto, in exactly its layout: header, payload, position in the stream, signature. Read from bytes that
 * anybody may have written; the signature is checked by who has the key (yg_core_verify).
 */
#ifndef YG_FRAME_H
#define YG_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define YG_ID_BYTES 16u
#define YG_FRAME_SIGNATURE_BYTES 32u
/* Header, tags, lengths and signature: what a frame has beside its payload, at most. */
#define YG_FRAME_OVERHEAD_BYTES 192u

/* FrameType of the wire; those a device knows. */
typedef enum {
    YG_FRAME_ERROR = 4,
    YG_FRAME_EVENT = 10,
    YG_FRAME_CAPABILITIES = 11,
    YG_FRAME_COMMAND = 12,
    YG_FRAME_COMMAND_RESULT = 13,
    YG_FRAME_UPDATE_OFFER = 60,
    YG_FRAME_UPDATE_REQUEST = 61,
    YG_FRAME_UPDATE_PART = 62,
    YG_FRAME_UPDATE_REPORT = 63,
} yg_frame_type;

/* Delivery of the wire. */
typedef enum { YG_TRANSIENT = 0, YG_STORED = 1 } yg_delivery;

typedef struct {
    uint32_t type;
    uint32_t delivery;
    uint8_t id[YG_ID_BYTES];
    uint8_t network_id[YG_ID_BYTES];
    uint8_t source_id[YG_ID_BYTES];
    uint8_t destination_id[YG_ID_BYTES];
    uint8_t correlation_id[YG_ID_BYTES];
    uint64_t nonce;
    bool has_destination;
    bool has_correlation;
    bool is_made_by_server;
    /* In the frame that was read; of one that is written, anywhere. */
    const uint8_t *payload;
    uint32_t payload_bytes;
} yg_frame;

/*
 * Reads a frame. False for what is not exactly the layout, or of another version. Signed are all bytes but the last
 * YG_FRAME_SIGNATURE_BYTES + 2.
 */
bool yg_frame_read(const uint8_t *bytes, uint32_t count, yg_frame *frame);

/*
 * Writes a frame whose last YG_FRAME_SIGNATURE_BYTES are still to be signed. Returns its bytes, 0 when there is no room for payload and
 * YG_FRAME_OVERHEAD_BYTES.
 */
uint32_t yg_frame_write(const yg_frame *frame, uint8_t *to, uint32_t room);

/* Bytes of a frame that its signature covers. */
uint32_t yg_frame_signed_bytes(uint32_t frame_bytes);

#endif
