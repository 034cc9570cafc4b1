// A lamp with a thermometer on an ESP32 (Arduino core), by plain MQTT: JSON on the topics of docs/plain-mqtt.md.
//
// Libraries of the Arduino IDE: PubSubClient (Nick O'Leary) and ArduinoJson 7. Written by their documents; it was never compiled for a board:
// what of it needs no board, the texts that it makes and reads, is in lamp.h, which a test compiles and runs.
//
// Fill in the network and the device: the server gives id and token when the device is registered (POST /api/v1/devices).
#include <ArduinoJson.h>
#include <PubSubClient.h>
#include <WiFi.h>

#include "lamp.h"

const char *const WIFI_NAME = "...";
const char *const WIFI_PASSWORD = "...";
const char *const SERVER = "192.168.1.10";
const uint16_t PORT = 1883;
const char *const DEVICE_ID = "00000000-0000-0000-0000-000000000000";
const char *const TOKEN = "...";

const int LED_PIN = 2;
const int SENSOR_PIN = 34;
const unsigned long MEASURE_EVERY_MS = 10000;
const unsigned long TRY_AGAIN_MS = 5000;

WiFiClient network;
PubSubClient mqtt(network);
char topic[lamp::TOPIC_BYTES];
char text[lamp::TEXT_BYTES];

void publish(const char *under, const char *payload, bool retained = false) {
  if (lamp::topicOf(topic, DEVICE_ID, under)) mqtt.publish(topic, payload, retained);
}

// A command: {"id": "...", "name": "led.set", "arguments": {"on": true}}.
void onMessage(char *, byte *payload, unsigned int length) {
  JsonDocument command;
  if (deserializeJson(command, payload, length)) return;
  const char *id = command["id"] | "";
  JsonVariant on = command["arguments"]["on"];
  if (!on.is<bool>()) {
    if (lamp::refusal(text, id)) publish("results", text);
    return;
  }
  digitalWrite(LED_PIN, on.as<bool>() ? HIGH : LOW);
  publish("state/led", on.as<bool>() ? "true" : "false");
  if (lamp::result(text, id, on.as<bool>())) publish("results", text);
}

// Signs in, with a will that says that it is gone, and a session that lasts: commands wait for it while it is away.
bool signIn() {
  char will[lamp::TOPIC_BYTES];
  lamp::topicOf(will, DEVICE_ID, "state/online");
  if (!mqtt.connect(DEVICE_ID, DEVICE_ID, TOKEN, will, 1, false, "false", false)) return false;
  lamp::topicOf(topic, DEVICE_ID, "commands/led.set");
  mqtt.subscribe(topic, 1);
  publish("state/online", "true");
  publish("capabilities", lamp::CAPABILITIES);
  return true;
}

void setup() {
  pinMode(LED_PIN, OUTPUT);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  mqtt.setServer(SERVER, PORT);
  // The library's 256 bytes are too few for a command with its id.
  mqtt.setBufferSize(1024);
  mqtt.setCallback(onMessage);
}

void loop() {
  static unsigned long triedAtMs = 0;
  static unsigned long measuredAtMs = 0;
  if (!mqtt.connected()) {
    if (WiFi.status() != WL_CONNECTED || millis() - triedAtMs < TRY_AGAIN_MS) return;
    triedAtMs = millis();
    if (!signIn()) return;
  }
  mqtt.loop();
  if (millis() - measuredAtMs < MEASURE_EVERY_MS) return;
  measuredAtMs = millis();
  if (lamp::reading(text, lamp::celsiusOf(analogReadMilliVolts(SENSOR_PIN)), "celsius")) publish("readings/temperature", text);
}
