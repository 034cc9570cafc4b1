/*
 * What every port does between its network and a device: messages of the network's task are carried out in the task that owns the
 * runtime, connections that end come back after a while, and what the broker has taken over is told to the device.
 */
#ifndef DEVICE_LOOP_H
#define DEVICE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_device.h"
#include "yg_queue.h"

/* A message of the queue: its kind, and a frame. */
#define YG_LOOP_MESSAGE_BYTES (1u + YG_DEVICE_FRAME_BYTES_MAX)
#define YG_LOOP_SLOT_BYTES ((YG_LOOP_MESSAGE_BYTES + YG_QUEUE_SLOT_OVERHEAD + 3u) / 4u * 4u)
#define YG_LOOP_SENT 128u

/* The first byte of a message; others are the port's own. */
enum {
    /* The device is let in and subscribed. */
    YG_LOOP_CONNECTED = 1,
    /* The connection is gone, or didn't come about. */
    YG_LOOP_LOST = 2,
    /* The frame that follows has arrived. It is acknowledged after `carried_out`. */
    YG_LOOP_FRAME = 3,
    /* The broker has taken over what `publish` gave this number: 4 bytes. */
    YG_LOOP_TAKEN_OVER = 4,
    YG_LOOP_OWN_KINDS = 16,
};

typedef struct {
    /* Tries once. False when that isn't even begun; else YG_LOOP_CONNECTED or YG_LOOP_LOST follows. */
    bool (*connect)(void);
    /* The frame that came last may be acknowledged. */
    void (*carried_out)(void);
    /* Ends the connection without acknowledging it; YG_LOOP_LOST follows. */
    void (*drop)(void);
    /* Publishes with QoS 1, and says under which number. False when it can't be kept until then. */
    bool (*publish)(const uint8_t *frame, uint32_t bytes, int32_t *number);
    /* For people: connected, or in how many ms it tries again. */
    void (*connected)(void);
    void (*lost)(uint32_t retry_ms);
} yg_loop_network;

typedef struct {
    yg_device *device;
    const yg_loop_network *network;
    struct {
        int32_t number;
        uint32_t token;
    } sent[YG_LOOP_SENT];
    uint32_t sent_next;
    uint32_t connect_due_ms;
    bool is_connect_wanted;
    bool is_restarting;
    uint32_t restart_due_ms;
} yg_loop;

/* Begins; the first try to connect is made in the first turn. */
void yg_loop_open(yg_loop *loop, yg_device *device, const yg_loop_network *network, uint32_t now_ms);

/* The device's `publish`; its context is the loop. */
bool yg_loop_publish(void *loop, const uint8_t *frame, uint32_t bytes, uint32_t token);

/* What is due now. Returns how many ms to wait for a message, at most. */
uint32_t yg_loop_turn(yg_loop *loop, uint32_t now_ms);

/* Carries a message out. False for one of a kind of the port's own. */
bool yg_loop_message(yg_loop *loop, const uint8_t *message, uint32_t bytes, uint32_t now_ms);

/* Whether the device is to be started anew now: it wants to be, and what it said is on its way, or a second has passed. */
bool yg_loop_restarts(yg_loop *loop, uint32_t now_ms);

#endif
