// What a lamp with a thermometer says by plain MQTT (docs/plain-mqtt.md), without anything of a board.
#pragma once
#include <math.h>
#include <stdio.h>

namespace lamp {

// "devices/", an id of 36 characters, "/", and what is under it.
const int TOPIC_BYTES = 128;
const int TEXT_BYTES = 256;

const char *const CAPABILITIES =
    "{\"platform\":\"esp32\",\"firmware\":\"1.0.0\",\"sensors\":[\"temperature\"],\"actuators\":[\"led\"],\"commands\":[\"led.set\"]}";

// True where all of it had room; otherwise it is not to be sent.
inline bool fits(int written, int room) { return written >= 0 && written < room; }

inline bool topicOf(char (&topic)[TOPIC_BYTES], const char *deviceId, const char *under) {
  return fits(snprintf(topic, TOPIC_BYTES, "devices/%s/%s", deviceId, under), TOPIC_BYTES);
}

// JSON has no word for what is no number: a sensor that is broken says null.
inline bool reading(char (&text)[TEXT_BYTES], float value, const char *unit) {
  if (!isfinite(value)) return fits(snprintf(text, TEXT_BYTES, "null"), TEXT_BYTES);
  return fits(snprintf(text, TEXT_BYTES, "{\"value\":%.2f,\"unit\":\"%s\"}", (double)value, unit), TEXT_BYTES);
}

// The id comes from the server: letters, digits, - and _.
inline bool result(char (&text)[TEXT_BYTES], const char *commandId, bool on) {
  return fits(snprintf(text, TEXT_BYTES, "{\"id\":\"%s\",\"values\":{\"on\":%s}}", commandId, on ? "true" : "false"), TEXT_BYTES);
}

inline bool refusal(char (&text)[TEXT_BYTES], const char *commandId) {
  return fits(snprintf(text, TEXT_BYTES, "{\"id\":\"%s\",\"error\":{\"code\":\"command_argument_wrong\",\"message\":\"on: true or false\"}}", commandId), TEXT_BYTES);
}

// A TMP36: 500 mV at 0 degrees, 10 mV a degree.
inline float celsiusOf(unsigned int millivolts) { return ((float)millivolts - 500) / 10; }

}  // namespace lamp
