/*
 * The nonces that sources have used: a sliding window for each (RFC 4303, section 3.4.3), and for the sources that were
 * forgotten the highest of them. Plain memory, so that it can be kept as it is.
 */
#ifndef YG_REPLAY_H
#define YG_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_frame.h"

#define YG_REPLAY_NONCES 1024u
/* Who may give commands in turns without an older command of another being taken for a replay. */
#define YG_REPLAY_SOURCES 8u

typedef struct {
    uint8_t source_id[YG_ID_BYTES];
    /* What the server made in the name of a source counts by itself. */
    uint32_t is_made_by_server;
    uint32_t is_used;
    uint64_t last;
    /* Bit n of the nonce's lowest ten bits: used, of those that are within the window. */
    uint32_t bits[YG_REPLAY_NONCES / 32u];
} yg_replay_window;

typedef struct {
    /* The one heard of last stands first. */
    yg_replay_window windows[YG_REPLAY_SOURCES];
    /* Nonces begin with the time: one of a source that isn't known must be above all that were forgotten. */
    uint64_t forgotten;
} yg_replay;

/* Uses the nonce of a frame up. False where it was used, is too old to know, or may be of a source that was forgotten. */
bool yg_replay_use(yg_replay *replay, const yg_frame *frame);

#endif
