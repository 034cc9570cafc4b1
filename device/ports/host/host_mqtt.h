/*
 * MQTT 3.1.1 by libmosquitto, in a task of its own. What happens there comes to the task that owns the runtime as messages of its
 * queue; a frame that arrived is acknowledged to the broker only after that task has carried it out and noted it.
 */
#ifndef HOST_MQTT_H
#define HOST_MQTT_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_queue.h"

typedef struct {
    const char *host;
    int port;
    const char *device_id;
    const char *token;
    /* Certificates of who may have signed the server's; NULL: no TLS. */
    const char *authorities;
    yg_queue *queue;
} host_mqtt_options;

/* The first byte of a message. */
enum {
    /* The device is let in and subscribed. */
    HOST_CONNECTED = 1,
    /* The connection is gone, or didn't come about. */
    HOST_LOST = 2,
    /* The broker doesn't accept the credentials: another try won't help. */
    HOST_REFUSED = 3,
    /* The frame. Then host_mqtt_carried_out. */
    HOST_FRAME = 4,
    /* The broker has taken over what host_mqtt_publish gave this number: 4 bytes. */
    HOST_TAKEN_OVER = 5,
    /* Of host_control.h: a line. */
    HOST_LINE = 6,
};

/* Starts the task; it waits for host_mqtt_connect. False when it can't be had. */
bool host_mqtt_start(const host_mqtt_options *options);

/* Connects once. HOST_CONNECTED, HOST_LOST or HOST_REFUSED follows. */
void host_mqtt_connect(void);

/* The frame that came last has been carried out. */
void host_mqtt_carried_out(void);

/* Publishes on the device's topic with QoS 1; `number` is then that of HOST_TAKEN_OVER. False when there is no connection. */
bool host_mqtt_publish(const uint8_t *frame, uint32_t bytes, int32_t *number);

/* A fault of the network: connections end without a word and don't come about until it is over. */
void host_mqtt_fault(bool is_there);

/* Ends the connection without a word: what wasn't acknowledged comes again. HOST_LOST follows. */
void host_mqtt_drop(void);

/* Ends the connection with a DISCONNECT; HOST_LOST follows. */
void host_mqtt_disconnect(void);

/* Ends the task. */
void host_mqtt_stop(void);

#endif
