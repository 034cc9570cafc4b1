/*
 * Frames that the broker hasn't taken over yet, in order, without their headers: sent again they keep their id and get a new
 * nonce. When there is no room the oldest reading makes it.
 */
#ifndef YG_OUTBOX_H
#define YG_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_frame.h"

#define YG_OUTBOX_BYTES 8192u

typedef struct {
    /* What the transport names when the broker has taken the frame over; another one each time it is sent. */
    uint32_t token;
    uint32_t type;
    uint32_t payload_bytes;
    /* TRANSIENT: it goes when it is sent, or the connection ends. */
    bool is_transient;
    bool has_destination;
    bool has_correlation;
    /* It is the last report of an update. */
    bool is_outcome;
    /* It was refused once because its nonce was too low. */
    bool was_replayed;
    uint8_t id[YG_ID_BYTES];
    uint8_t destination_id[YG_ID_BYTES];
    uint8_t correlation_id[YG_ID_BYTES];
} yg_outbox_entry;

typedef struct {
    _Alignas(8) uint8_t memory[YG_OUTBOX_BYTES];
    uint32_t used;
    /* Frames that had to make room. */
    uint32_t lost;
} yg_outbox;

/* Adds a frame behind the others, and returns its entry; NULL for one that has no room even without readings. */
yg_outbox_entry *yg_outbox_add(yg_outbox *outbox, const yg_outbox_entry *entry, const uint8_t *payload);

/* Whether a frame of so many bytes of payload would have room, readings left out. */
bool yg_outbox_has_room(yg_outbox *outbox, uint32_t payload_bytes);

/* The first entry (after NULL), or the next one; NULL behind the last. */
yg_outbox_entry *yg_outbox_next(yg_outbox *outbox, yg_outbox_entry *entry);

/* An entry's payload. */
const uint8_t *yg_outbox_payload(const yg_outbox_entry *entry);

/* The entry that was sent under a token, or the one of this id; NULL where it isn't. */
yg_outbox_entry *yg_outbox_find_token(yg_outbox *outbox, uint32_t token);
yg_outbox_entry *yg_outbox_find(yg_outbox *outbox, const uint8_t id[YG_ID_BYTES]);

/* Removes all frames of a type. */
void yg_outbox_remove_type(yg_outbox *outbox, uint32_t type);

/* Removes an entry; those behind it move. */
void yg_outbox_remove(yg_outbox *outbox, yg_outbox_entry *entry);

#endif
