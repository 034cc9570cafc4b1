/*
 * Updates of a device: offers, downloads, starts, and what the server is told of them. Payloads are those of UPDATE_ frames
 * (proto/yggdrasil/v1/bifrost.proto); docs/updates.md is the protocol. The same as device/virtual/updates/device-updates.ts, but
 * for scripts: they come by commands (yg_scripts.h). No memory of its own but `yg_update`; the deepest call takes under 1,500 bytes of stack.
 */
#ifndef YG_UPDATE_H
#define YG_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_slots.h"

/* Bytes that are asked for at once: as many as a part of a script, so that one buffer serves both. */
#define YG_UPDATE_PIECE_BYTES 1024u
/* The longest payload that is sent. */
#define YG_UPDATE_PAYLOAD_BYTES 48u

/* An UpdateState of the wire. */
typedef enum {
    YG_UPDATE_DOWNLOADING = 1,
    YG_UPDATE_DOWNLOADED = 2,
    YG_UPDATE_VERIFIED = 3,
    YG_UPDATE_UPDATING = 4,
    YG_UPDATE_UPDATED = 5,
    YG_UPDATE_FAILED = 6,
    YG_UPDATE_REFUSED = 7,
    YG_UPDATE_ROLLED_BACK = 8,
} yg_update_state;

typedef struct {
    /* Ed25519, 32 bytes. */
    const uint8_t *owner_key;
    /* What releases for this kind of machine name. */
    const char *target;
    void *context;
    /* Sends an UPDATE_REPORT, STORED. Of `is_outcome` the device must say when the server has it: yg_update_settled. */
    void (*report)(void *context, const uint8_t *payload, uint32_t bytes, bool is_outcome);
    /* Sends an UPDATE_REQUEST, TRANSIENT. */
    void (*ask)(void *context, const uint8_t *payload, uint32_t bytes);
    /* Starts the device anew, once the call that this is part of has returned. */
    void (*restart)(void *context);
    /* True: no older version is taken, whatever the offer says. */
    bool is_older_refused;
} yg_update_options;

typedef struct {
    yg_update_options options;
    yg_slots slots;
    uint32_t now_ms;
    bool is_connected;
    bool is_trial;
    bool is_asking;
    /* When it asked, and when the trial began. */
    uint32_t asked_ms;
    uint32_t started_ms;
    uint32_t reported_eighths;
} yg_update;

/* Reads flash and chooses what starts: the number of the slot. `now_ms` is any clock that goes on, modulo 2^32. */
uint32_t yg_update_open(yg_update *update, const yg_update_options *options, uint32_t now_ms);

/* What runs; false: what the device came with. */
bool yg_update_running(const yg_update *update, yg_release *release);

/* The server can be told something, or no more. */
void yg_update_connected(yg_update *update, bool is_connected);

/* Payloads of frames of the server: an UPDATE_OFFER, an UPDATE_PART. What is none is ignored. */
void yg_update_offered(yg_update *update, const uint8_t *payload, uint32_t bytes);
void yg_update_received(yg_update *update, const uint8_t *payload, uint32_t bytes);

/* The server refuses the last request with an ErrorCode. */
void yg_update_refused(yg_update *update, uint32_t code);

/* The server took a frame over: a new image has reached it. `is_outcome`: it was the last report of an outcome. */
void yg_update_settled(yg_update *update, bool is_outcome);

/* Asks again, or gives a trial up, when it is time. */
void yg_update_tick(yg_update *update, uint32_t now_ms);

#endif
