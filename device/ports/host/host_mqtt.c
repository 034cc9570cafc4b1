#define _GNU_SOURCE
#include "host_mqtt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <mosquitto.h>


#define TOPIC_BYTES 96
#define KEEP_ALIVE_SECONDS 30
#define LOOP_MS 1000
/* What a broker answers instead of a QoS when it refuses a subscription [MQTT-3.9.3]. */
#define SUBSCRIPTION_REFUSED 0x80

static host_mqtt_options options;
static struct mosquitto *client;
static pthread_t thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_wanted;
static atomic_bool is_ending;
/* A frame was handed over and isn't carried out. */
static bool is_waiting;
static atomic_bool is_faulty;
static atomic_bool is_refused;

/* The owner takes messages until the end, so that a full queue is soon not full. */
static void put(const uint8_t *message, uint32_t bytes)
{
    const struct timespec moment = { 0, 1000000 };
    while (!is_ending && yg_queue_put(options.queue, message, bytes) == YG_QUEUE_FULL)
        nanosleep(&moment, NULL);
}

static void put_kind(uint8_t kind)
{
    put(&kind, 1);
}

static void topic_of(char topic[TOPIC_BYTES], const char *direction)
{
    snprintf(topic, TOPIC_BYTES, "bifrost/v1/%s/%s", options.device_id, direction);
}

static void on_connect(struct mosquitto *mosquitto, void *context, int code)
{
    char topic[TOPIC_BYTES];
    (void)context;
    /* Return codes of [MQTT-3.2.2.3]: bad user name or password, not authorized. */
    is_refused = code == 4 || code == 5;
    topic_of(topic, "down");
    if (code == 0)
        mosquitto_subscribe(mosquitto, NULL, topic, 1);
}

static void on_subscribe(struct mosquitto *mosquitto, void *context, int number, int count, const int *granted)
{
    (void)mosquitto;
    (void)context;
    (void)number;
    if (count == 1 && granted[0] != SUBSCRIPTION_REFUSED) {
        put_kind(YG_LOOP_CONNECTED);
        return;
    }
    is_refused = true;
    mosquitto_disconnect(mosquitto);
}

static void on_message(struct mosquitto *mosquitto, void *context, const struct mosquitto_message *message)
{
    static uint8_t bytes[YG_LOOP_MESSAGE_BYTES];
    (void)mosquitto;
    (void)context;
    /* No frame for a device is longer; what is, it doesn't see. */
    if (message->payloadlen < 0 || message->payloadlen > (int)YG_DEVICE_FRAME_BYTES_MAX)
        return;
    bytes[0] = YG_LOOP_FRAME;
    memcpy(bytes + 1, message->payload, (size_t)message->payloadlen);
    pthread_mutex_lock(&mutex);
    is_waiting = true;
    pthread_mutex_unlock(&mutex);
    put(bytes, 1 + (uint32_t)message->payloadlen);
    pthread_mutex_lock(&mutex);
    while (is_waiting && !is_ending)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void on_publish(struct mosquitto *mosquitto, void *context, int number)
{
    uint8_t message[1 + sizeof(int32_t)] = { YG_LOOP_TAKEN_OVER };
    const int32_t taken_over = number;
    (void)mosquitto;
    (void)context;
    memcpy(message + 1, &taken_over, sizeof taken_over);
    put(message, sizeof message);
}

/* Waits until a connection is wanted; false: the task ends. */
static bool wait_for_order(void)
{
    pthread_mutex_lock(&mutex);
    while (!is_wanted && !is_ending)
        pthread_cond_wait(&changed, &mutex);
    is_wanted = false;
    bool goes_on = !is_ending;
    pthread_mutex_unlock(&mutex);
    return goes_on;
}

static void *run(void *context)
{
    (void)context;
    while (wait_for_order()) {
        is_refused = false;
        int status = is_faulty ? MOSQ_ERR_CONN_LOST : mosquitto_connect(client, options.host, options.port, KEEP_ALIVE_SECONDS);
        while (status == MOSQ_ERR_SUCCESS)
            status = mosquitto_loop(client, LOOP_MS, 1);
        put_kind(is_refused ? HOST_REFUSED : YG_LOOP_LOST);
    }
    return NULL;
}

bool host_mqtt_start(const host_mqtt_options *given)
{
    options = *given;
    mosquitto_lib_init();
    client = mosquitto_new(options.device_id, true, NULL);
    if (client == NULL)
        return false;
    mosquitto_threaded_set(client, true);
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    mosquitto_publish_callback_set(client, on_publish);
    if (mosquitto_username_pw_set(client, options.device_id, options.token) != MOSQ_ERR_SUCCESS)
        return false;
    if (options.authorities != NULL
        && mosquitto_tls_set(client, options.authorities, NULL, NULL, NULL, NULL) != MOSQ_ERR_SUCCESS)
        return false;
    return pthread_create(&thread, NULL, run, NULL) == 0;
}

static void order(bool *what, bool value)
{
    pthread_mutex_lock(&mutex);
    *what = value;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

void host_mqtt_connect(void)
{
    order(&is_wanted, true);
}

void host_mqtt_carried_out(void)
{
    order(&is_waiting, false);
}

bool host_mqtt_publish(const uint8_t *frame, uint32_t bytes, int32_t *number)
{
    char topic[TOPIC_BYTES];
    int given = 0;
    topic_of(topic, "up");
    if (mosquitto_publish(client, &given, topic, (int)bytes, frame, 1, false) != MOSQ_ERR_SUCCESS)
        return false;
    *number = given;
    return true;
}

void host_mqtt_drop(void)
{
    int socket = mosquitto_socket(client);
    if (socket >= 0)
        shutdown(socket, SHUT_RDWR);
}

void host_mqtt_fault(bool is_there)
{
    is_faulty = is_there;
    if (is_there)
        host_mqtt_drop();
}

void host_mqtt_disconnect(void)
{
    mosquitto_disconnect(client);
}

void host_mqtt_stop(void)
{
    is_ending = true;
    order(&is_waiting, false);
    mosquitto_disconnect(client);
    pthread_join(thread, NULL);
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
}
