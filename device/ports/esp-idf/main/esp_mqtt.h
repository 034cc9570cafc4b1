/* MQTT by esp-mqtt. What happens in its task comes to the one that owns the runtime as messages of its queue (device_loop.h). */
#ifndef ESP_MQTT_H
#define ESP_MQTT_H

#include <stdbool.h>
#include <stdint.h>

#include "device_loop.h"

typedef struct {
    const char *url;
    const char *device_id;
    const char *token;
    /* PEM of who may have signed the server's certificate; NULL: none, for mqtt:// alone. */
    const char *authority;
    yg_queue *queue;
} esp_mqtt_options;

/* Begins the first try to connect. False when there is no memory for a client. */
bool esp_mqtt_start(const esp_mqtt_options *options);

/* Tries once more. False when that isn't begun. */
bool esp_mqtt_connect(void);

/* The frame that came last has been carried out. */
void esp_mqtt_carried_out(void);

/* Publishes on the device's topic with QoS 1; YG_LOOP_TAKEN_OVER names `number`. False when it can't be kept until then. */
bool esp_mqtt_publish(const uint8_t *frame, uint32_t bytes, int32_t *number);

/* Ends the connection; YG_LOOP_LOST follows. */
void esp_mqtt_drop(void);

#endif
