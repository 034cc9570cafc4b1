/*
 * MQTT 3.1.1 by libmosquitto, in a task of its own. What happens there comes to the task that owns the runtime as messages of its
 * queue; a frame that arrived is acknowledged to the broker only after that task has carried it out and noted it.
 */
#ifndef HOST_MQTT_H
#define HOST_MQTT_H

#include <stdbool.h>
#include <stdint.h>

#include "device_loop.h"

typedef struct {
    const char *host;
    int port;
    const char *device_id;
    const char *token;
    /* Certificates of who may have signed the server's; NULL: no TLS. */
    const char *authorities;
    yg_queue *queue;
} host_mqtt_options;

/* Kinds of messages beside those of device_loop.h. */
enum {
    /* The broker doesn't accept the credentials: another try won't help. */
    HOST_REFUSED = YG_LOOP_OWN_KINDS,
    /* Of host_control.h: a line. */
    HOST_LINE,
};

/* Starts the task; it waits for host_mqtt_connect. False when it can't be had. */
bool host_mqtt_start(const host_mqtt_options *options);

/* Connects once. YG_LOOP_CONNECTED, YG_LOOP_LOST or HOST_REFUSED follows. */
void host_mqtt_connect(void);

/* The frame that came last has been carried out. */
void host_mqtt_carried_out(void);

/* Publishes on the device's topic with QoS 1; `number` is then that of YG_LOOP_TAKEN_OVER. False when there is no connection. */
bool host_mqtt_publish(const uint8_t *frame, uint32_t bytes, int32_t *number);

/* A fault of the network: connections end without a word and don't come about until it is over. */
void host_mqtt_fault(bool is_there);

/* Ends the connection without a word: what wasn't acknowledged comes again. YG_LOOP_LOST follows. */
void host_mqtt_drop(void);

/* Ends the connection with a DISCONNECT; YG_LOOP_LOST follows. */
void host_mqtt_disconnect(void);

/* Ends the task. */
void host_mqtt_stop(void);

#endif
