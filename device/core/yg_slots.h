/*
 * The two slots of a device, and the table that says which of them starts. Whatever happens between two changes of flash, or within
 * one: what starts is whole, an old image comes back no more once another was confirmed, and how an update ended is known until the
 * server has heard of it. The table is kept twice, each copy with a number and a checksum, and the older one is replaced; a
 * mark for each sector says that it is written. The layout is that of device/virtual/updates/table.ts.
 */
#ifndef YG_SLOTS_H
#define YG_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_release.h"
#include "yg_sha256.h"

#define YG_ROLLOUT_ID_BYTES 16u
/* Starts that a new image gets to reach the server. */
#define YG_TRIES_MAX 3u

typedef enum {
    YG_PHASE_IDLE = 0,
    /* The other slot is being written. */
    YG_PHASE_DOWNLOADING = 1,
    /* The other slot is whole, and its hash right. */
    YG_PHASE_VERIFIED = 2,
    /* The other slot starts, and has to reach the server. */
    YG_PHASE_TRYING = 3,
    /* An update is over, and the server doesn't know yet. */
    YG_PHASE_OVER = 4,
} yg_phase;

typedef struct {
    /* The slot that starts, but for a trial. */
    uint32_t active;
    yg_phase phase;
    uint32_t tries;
    bool allow_older;
    /* How the update ended: an UpdateState and an ErrorCode of the wire. */
    uint32_t outcome;
    uint32_t error_code;
    uint32_t oldest_version;
    uint8_t rollout_id[YG_ROLLOUT_ID_BYTES];
    /* What each slot holds, or is getting; zeros: nothing. */
    uint8_t heads[2][YG_RELEASE_HEAD_BYTES];
} yg_slot_table;

typedef struct {
    yg_slot_table table;
    uint32_t sequence;
    /* The copy that is replaced next. */
    uint32_t next_copy;
    uint32_t received_bytes;
    yg_sha256 hash;
} yg_slots;

/* Reads the table, and how far a download is. */
void yg_slots_open(yg_slots *slots);

/* What is being downloaded, was, or is tried; what starts without a trial. False: nothing, or what the device came with. */
bool yg_slots_incoming(const yg_slots *slots, yg_release *release);
bool yg_slots_confirmed(const yg_slots *slots, yg_release *release);

/* All that follow answer false when flash refuses. */

/* Begins a download in place of what the other slot holds. */
bool yg_slots_begin(yg_slots *slots, const uint8_t rollout_id[YG_ROLLOUT_ID_BYTES],
                    const uint8_t head[YG_RELEASE_HEAD_BYTES], bool allow_older);

/* Bytes that fit before the next sector begins; 0: the download is whole. */
uint32_t yg_slots_missing_in_sector(const yg_slots *slots);

/* Adds the next piece, within a sector. */
bool yg_slots_append(yg_slots *slots, const uint8_t *data, uint32_t bytes);

/* Whether what was downloaded is what was signed. */
bool yg_slots_is_right(const yg_slots *slots);
bool yg_slots_set_verified(yg_slots *slots);

/* The next start is that of the new image. */
bool yg_slots_arm(yg_slots *slots);

/*
 * Chooses what starts: the number of the slot; `is_trial` says whether it has to reach the server. `rolled_back` is noted as the outcome
 * where a trial is given up.
 */
uint32_t yg_slots_boot(yg_slots *slots, uint32_t rolled_back, bool *is_trial);

/* The new image has reached the server: it is the one that starts from now on. */
bool yg_slots_confirm(yg_slots *slots, uint32_t outcome);

/* The update is over, and what was confirmed stays. */
bool yg_slots_conclude(yg_slots *slots, uint32_t outcome, uint32_t error_code);

/* The server knows how it ended. */
bool yg_slots_acknowledge(yg_slots *slots);

#endif
