/*
 * A whole device: signed frames, commands and their journal, readings, scripts, updates, settings. It knows no network: a transport
 * gives it the bytes that arrive and takes those that go out (device/ports/host has libmosquitto, device/ports/esp-idf esp-mqtt). Only for
 * the task that owns the runtime; all memory is the caller's. The same behaviour over the wire as device/virtual/virtual-device.ts.
 */
#ifndef YG_DEVICE_H
#define YG_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_children.h"
#include "yg_core.h"
#include "yg_frame.h"
#include "yg_journal.h"
#include "yg_monitor.h"
#include "yg_outbox.h"
#include "yg_scripts.h"
#include "yg_settings.h"
#include "yg_update.h"

/* The longest frame that a device takes or sends. */
#define YG_DEVICE_FRAME_BYTES_MAX 2048u
#define YG_FIRMWARE_BYTES 48u

typedef struct {
    uint8_t device_id[YG_ID_BYTES];
    uint8_t network_id[YG_ID_BYTES];
    uint8_t signing_key[32];
    /* Ed25519, 32 bytes each; NULL: it takes no scripts, or no updates. */
    const uint8_t *script_key;
    const uint8_t *release_key;
} yg_identity;

typedef struct {
    /* For WAMR, aligned to 8 bytes. */
    uint8_t *pool;
    uint32_t pool_bytes;
    /* device.wasm; it may be in flash. */
    const uint8_t *module;
    uint32_t module_bytes;
    yg_core_memory core;
    /* YG_STAGING_BYTES. */
    uint8_t *staging;
    /* YG_SCRIPT_SLOTS times `image_bytes`. */
    uint8_t *images;
    uint32_t image_bytes;
} yg_device_memory;

typedef struct {
    yg_identity identity;
    yg_device_memory memory;
    const char *platform;
    /* What it came with. */
    const char *firmware;
    /* What releases for this kind of machine name. */
    const char *target;
    void *context;
    /*
     * Sends a frame with QoS 1. `token` is named to yg_device_settled once the broker has taken it over; 0 where nobody waits for it. False when it can't be sent
     * now: then it is sent on the next connection.
     */
    bool (*publish)(void *context, const uint8_t *frame, uint32_t bytes, uint32_t token);
    /* Something went wrong, or is worth a warning. */
    void (*log)(void *context, bool is_error, const char *text);
    /* The image that runs has reached the server, and is the one that starts from now on; NULL where nobody has to know. */
    void (*confirmed)(void *context);
} yg_device_options;

typedef struct {
    yg_device_options options;
    yg_core core;
    yg_scripts scripts;
    yg_update update;
    yg_settings settings;
    yg_journal journal;
    yg_outbox outbox;
    yg_monitor monitor;
    yg_children children;
    char firmware[YG_FIRMWARE_BYTES];
    uint64_t last_nonce;
    /* The last UPDATE_REQUEST: an ERROR may name it. */
    uint8_t asked_id[YG_ID_BYTES];
    uint32_t last_token;
    uint32_t now_ms;
    uint32_t reading_due_ms;
    /* When this connection began, and which try the next one is. */
    uint32_t connected_ms;
    uint32_t attempt;
    bool was_connected;
    bool is_connected;
    /* A message is being carried out and isn't acknowledged: what it leads to is sent after that. */
    bool is_held;
    bool is_restart_wanted;
    bool is_led_on;
    /* Which slot runs. */
    uint32_t slot;
} yg_device;

/*
 * Starts the runtime, the core, what was kept and the scripts; answers the command that a loss of power cut off. `now_ms` is any clock that goes on, modulo
 * 2^32. The status of what can't be had; then nothing runs.
 */
yg_status yg_device_open(yg_device *device, const yg_device_options *options, uint32_t now_ms);

/* Ends scripts and runtime, as a loss of power would. */
void yg_device_close(yg_device *device);

/* The connection stands and is subscribed to the device's topic, or stands no more. */
void yg_device_connected(yg_device *device, bool is_connected);

/*
 * A frame arrived. Everything it leads to is noted when this returns and not yet sent: the transport acknowledges the message to the
 * broker, then calls yg_device_release. False: there is no room for an answer, and nothing was done. The transport ends the connection
 * without acknowledging the message, which comes again on the next one.
 */
bool yg_device_received(yg_device *device, const uint8_t *bytes, uint32_t count);
void yg_device_release(yg_device *device);

/* The broker has taken the frame of this token over. */
void yg_device_settled(yg_device *device, uint32_t token);

/* Measures, calls scripts, asks again. Returns in how many ms it wants to be called next, at most. */
uint32_t yg_device_tick(yg_device *device, uint32_t now_ms);

/* How long to wait before the next try to connect: longer each time, cut by up to half at random. */
uint32_t yg_device_retry_ms(yg_device *device);

/* True: the transport ends the connection, and closes and opens the device; on a board it restarts. */
bool yg_device_wants_restart(const yg_device *device);

#endif
