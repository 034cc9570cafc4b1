#include "esp_mqtt.h"

#include <stdio.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "mqtt_client.h"

#define TOPIC_BYTES 96
#define KEEP_ALIVE_SECONDS 30
#define RETRY_MS 2
/* Longest time in which a frame is carried out: a script's call, twice over. */
#define CARRIED_OUT_MS 4000

static esp_mqtt_options options;
static esp_mqtt_client_handle_t client;
static SemaphoreHandle_t carried_out;
static char topic_up[TOPIC_BYTES];
static char topic_down[TOPIC_BYTES];

/* The owner takes messages all the time, so that a full queue is soon not full. */
static void put(const uint8_t *message, uint32_t bytes)
{
    while (yg_queue_put(options.queue, message, bytes) == YG_QUEUE_FULL)
        vTaskDelay(pdMS_TO_TICKS(RETRY_MS) + 1);
}

static void put_kind(uint8_t kind)
{
    put(&kind, 1);
}

/*
 * A message may come in pieces. The client acknowledges it when this returns: after it was carried out and noted. Meanwhile the owner
 * publishes nothing (yg_device_release comes later), because it would wait for this task.
 */
static void receive(const esp_mqtt_event_t *event)
{
    static uint8_t message[YG_LOOP_MESSAGE_BYTES];
    int end = event->current_data_offset + event->data_len;
    if (event->total_data_len > (int)YG_DEVICE_FRAME_BYTES_MAX || end > event->total_data_len)
        return;
    memcpy(message + 1 + event->current_data_offset, event->data, (size_t)event->data_len);
    if (end < event->total_data_len)
        return;
    message[0] = YG_LOOP_FRAME;
    put(message, 1 + (uint32_t)event->total_data_len);
    xSemaphoreTake(carried_out, pdMS_TO_TICKS(CARRIED_OUT_MS));
}

static void taken_over(int number)
{
    uint8_t message[1 + sizeof(int32_t)] = { YG_LOOP_TAKEN_OVER };
    const int32_t value = number;
    memcpy(message + 1, &value, sizeof value);
    put(message, sizeof message);
}

static void on_event(void *context, esp_event_base_t base, int32_t id, void *data)
{
    const esp_mqtt_event_t *event = data;
    (void)context;
    (void)base;
    if (id == MQTT_EVENT_CONNECTED)
        esp_mqtt_client_subscribe(client, topic_down, 1);
    else if (id == MQTT_EVENT_SUBSCRIBED)
        put_kind(YG_LOOP_CONNECTED);
    else if (id == MQTT_EVENT_DISCONNECTED)
        put_kind(YG_LOOP_LOST);
    else if (id == MQTT_EVENT_PUBLISHED)
        taken_over(event->msg_id);
    else if (id == MQTT_EVENT_DATA)
        receive(event);
}

bool esp_mqtt_start(const esp_mqtt_options *given)
{
    options = *given;
    snprintf(topic_up, sizeof topic_up, "bifrost/v1/%s/up", options.device_id);
    snprintf(topic_down, sizeof topic_down, "bifrost/v1/%s/down", options.device_id);
    const esp_mqtt_client_config_t config = {
        .broker.address.uri = options.url,
        .broker.verification.certificate = options.authority,
        .credentials.username = options.device_id,
        .credentials.client_id = options.device_id,
        .credentials.authentication.password = options.token,
        .session.keepalive = KEEP_ALIVE_SECONDS,
        .session.protocol_ver = MQTT_PROTOCOL_V_3_1_1,
        .network.disable_auto_reconnect = true,
        .buffer.size = (int)YG_DEVICE_FRAME_BYTES_MAX,
    };
    carried_out = xSemaphoreCreateBinary();
    client = esp_mqtt_client_init(&config);
    return carried_out != NULL && client != NULL
        && esp_mqtt_client_register_event(client, MQTT_EVENT_ANY, on_event, NULL) == ESP_OK
        && esp_mqtt_client_start(client) == ESP_OK;
}

bool esp_mqtt_connect(void)
{
    return esp_mqtt_client_reconnect(client) == ESP_OK;
}

void esp_mqtt_carried_out(void)
{
    xSemaphoreGive(carried_out);
}

bool esp_mqtt_publish(const uint8_t *frame, uint32_t bytes, int32_t *number)
{
    *number = esp_mqtt_client_enqueue(client, topic_up, (const char *)frame, (int)bytes, 1, 0, true);
    return *number >= 0;
}

void esp_mqtt_drop(void)
{
    esp_mqtt_client_disconnect(client);
}
