/* What the parts of a device call of each other; nobody else. */
#ifndef YG_DEVICE_PARTS_H
#define YG_DEVICE_PARTS_H

#include "yg_device.h"
#include "yg_messages.h"

/* Of the device's signing key in the core. */
#define YG_DEVICE_KEY_SLOT 0u

#define YG_SENSOR "sensor.temperature"
#define YG_ACTUATOR "led"

/* The commands that a device knows beside those for scripts; ends with NULL. */
extern const char *const yg_device_commands[];

/* Carries a command out: the payload of its result, and its bytes. */
uint32_t yg_device_carry_out(yg_device *device, const uint8_t *payload, uint32_t bytes, uint8_t *result, uint32_t room);

/* The payload of a result that is an error. */
uint32_t yg_device_refuse(uint32_t code, const char *message, uint8_t *result, uint32_t room);

/* Logs an error. */
void yg_device_fail(const yg_device *device, const char *text);

/* Puts a frame behind what waits, and sends what may be sent. An id of zeros: it gets one. */
void yg_device_send(yg_device *device, yg_outbox_entry *entry, const uint8_t *payload);

/* Sends what wasn't sent on this connection, in order. */
void yg_device_flush(yg_device *device);

/* Says what the device can do. */
void yg_device_announce(yg_device *device);

/* Sends the result of a command, unless it is on its way already. */
void yg_device_answer(yg_device *device, const yg_command_note *note, const uint8_t *payload, uint32_t bytes);

/* Puts an event behind what waits to be sent, unless the bytes of this minute are used up. */
void yg_device_say(yg_device *device, const yg_event *event);

/* Says how the LED is, when that has changed. */
void yg_device_say_led(yg_device *device);

#endif
