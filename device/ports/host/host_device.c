/*
 * A whole device on Linux: the firmware's core, WAMR and scripts over MQTT, with a simulated board, and flash as files. The main task
 * owns the runtime; the network and the commands of the simulation (host_control.h) are tasks of their own. What happens is a line of the
 * standard output each.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "credentials.h"
#include "device_loop.h"
#include "host_control.h"
#include "host_mqtt.h"
#include "port.h"
#include "port_host_files.h"
#include "port_host_flash.h"

#define POOL_BYTES 65536
#define MODULE_BYTES_MAX 16384
#define QUEUE_SLOTS 16
#define CORE_STACK_BYTES 8192
#define FLASH_SLOT_BYTES 1048576
#define ADDRESS_BYTES 256
#define CREDENTIALS_BYTES_MAX 8192
#define FIRMWARE "yggdrasil-host 0.15.0"
#define PLATFORM "linux (simulated board)"
/* An image that begins with this never reaches the server, to try a rollback. Nothing of an image is executed here. */
#define BROKEN "broken"

static _Alignas(8) uint8_t pool[POOL_BYTES];
static _Alignas(8) uint8_t core_image[YG_CORE_BYTES_MAX];
static _Alignas(8) uint8_t staging[YG_STAGING_BYTES];
static _Alignas(8) uint8_t images[YG_SCRIPT_SLOTS * YG_SCRIPT_MODULE_BYTES_MAX];
static _Alignas(4) uint8_t slots[YG_LOOP_SLOT_BYTES * QUEUE_SLOTS];
static uint8_t module[MODULE_BYTES_MAX];
static uint8_t script_key[32];
static uint8_t release_key[32];
static char address[ADDRESS_BYTES];
static yg_credentials credentials;
static yg_queue queue;
static yg_device device;
static yg_loop loop;

static uint32_t now_ms(void)
{
    return (uint32_t)(port_clock_us() / 1000u);
}

static void say(void *context, bool is_error, const char *text)
{
    (void)context;
    printf("%s: %s\n", is_error ? "error" : "warn", text);
    fflush(stdout);
}

/* Starts the device, as after a loss of power; an image that begins with "broken" is started as often as it may be. */
static bool start(const yg_device_options *options)
{
    char image[sizeof BROKEN];
    for (;;) {
        yg_status status = yg_device_open(&device, options, now_ms());
        if (status != YG_OK) {
            fprintf(stderr, "the device can't start: status %d\n", (int)status);
            return false;
        }
        memset(image, 0, sizeof image);
        if (!device.update.is_trial || !port_flash_read((port_flash_region)device.slot, 0, image, sizeof image - 1)
            || strcmp(image, BROKEN) != 0)
            break;
        yg_device_close(&device);
    }
    printf("runs %s\n", device.firmware);
    fflush(stdout);
    return true;
}

static void connected(void)
{
    printf("connected\n");
    fflush(stdout);
}

static void lost(uint32_t retry_ms)
{
    printf("not connected, next try in %" PRIu32 " ms\n", retry_ms);
    fflush(stdout);
}

static bool connect_network(void)
{
    host_mqtt_connect();
    return true;
}

static const yg_loop_network NETWORK = {
    .connect = connect_network,
    .carried_out = host_mqtt_carried_out,
    .drop = host_mqtt_drop,
    .publish = host_mqtt_publish,
    .connected = connected,
    .lost = lost,
};

/* As after a loss of power. False when it can't start any more. */
static bool restart(const yg_device_options *options)
{
    bool was_connected = device.is_connected;
    printf("restarts\n");
    yg_device_close(&device);
    if (!start(options))
        return false;
    /* YG_LOOP_LOST follows, and then the first try. */
    if (was_connected)
        host_mqtt_disconnect();
    return true;
}

static int run(const yg_device_options *options)
{
    static uint8_t message[YG_LOOP_MESSAGE_BYTES + 1];
    uint32_t bytes = 0;
    yg_loop_open(&loop, &device, &NETWORK, now_ms());
    for (;;) {
        uint32_t wait_ms = yg_loop_turn(&loop, now_ms());
        if (yg_loop_restarts(&loop, now_ms()) && !restart(options))
            return 1;
        if (yg_queue_take(&queue, message, &bytes, wait_ms) != YG_OK || yg_loop_message(&loop, message, bytes, now_ms()))
            continue;
        message[bytes] = 0;
        if (message[0] == HOST_REFUSED) {
            fprintf(stderr, "the broker refuses these credentials (unknown device or wrong token)\n");
            return 1;
        }
        if (!host_control(&device, (const char *)message + 1))
            return 0;
    }
}

static void complain_of_credentials(const char *text)
{
    fprintf(stderr, "%s\n", text);
}

static bool read_credentials(const char *path)
{
    char text[CREDENTIALS_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    size_t bytes = fread(text, 1, sizeof text, file);
    fclose(file);
    bool is_read = yg_parse_credentials(text, bytes, &credentials, complain_of_credentials);
    sodium_memzero(text, sizeof text);
    return is_read;
}

static uint32_t read_module(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 0;
    }
    size_t bytes = fread(module, 1, sizeof module, file);
    fclose(file);
    return (uint32_t)bytes;
}

/* `mqtt://host:port` or `mqtts://host:port`. */
static bool read_address(const char *url, host_mqtt_options *mqtt)
{
    const char *from = strstr(url, "://");
    if (from == NULL || strlen(from) >= sizeof address)
        return false;
    strcpy(address, from + 3);
    char *port = strrchr(address, ':');
    if (port == NULL)
        return false;
    *port = 0;
    mqtt->host = address;
    mqtt->port = atoi(port + 1);
    bool is_secure = strncmp(url, "mqtts://", 8) == 0;
    return mqtt->port > 0 && (is_secure ? mqtt->authorities != NULL : strncmp(url, "mqtt://", 7) == 0);
}

static int complain(void)
{
    fprintf(stderr, "host-device --credentials file.json --mqtt mqtt://host:port --core device.wasm --flash folder\n"
                    "  [--authorities file.pem, with mqtts://] [--script-key key] [--release-key key] [--target name]\n"
                    "Lines of the standard input change the board: device/ports/host/host_control.h lists them.\n");
    return 2;
}

/* What the options say. False when one is missing or wrong. */
static bool read_options(int count, char **arguments, yg_device_options *options, host_mqtt_options *mqtt)
{
    static const struct option known[] = {
        { "credentials", required_argument, NULL, 'c' }, { "mqtt", required_argument, NULL, 'm' },
        { "core", required_argument, NULL, 'w' },        { "flash", required_argument, NULL, 'f' },
        { "authorities", required_argument, NULL, 'a' }, { "script-key", required_argument, NULL, 's' },
        { "release-key", required_argument, NULL, 'r' }, { "target", required_argument, NULL, 't' },
        { NULL, 0, NULL, 0 },
    };
    const char *url = "";
    const char *flash = NULL;
    bool is_right = true;
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        if (option == 'c')
            is_right = read_credentials(optarg) && is_right;
        else if (option == 'm')
            url = optarg;
        else if (option == 'w')
            options->memory.module_bytes = read_module(optarg);
        else if (option == 'f')
            flash = optarg;
        else if (option == 'a')
            mqtt->authorities = optarg;
        else if (option == 't')
            options->target = optarg;
        else if (option == 's' && yg_parse_key(optarg, script_key))
            options->identity.script_key = script_key;
        else if (option == 'r' && yg_parse_key(optarg, release_key))
            options->identity.release_key = release_key;
        else
            is_right = false;
    }
    const yg_identity keys = options->identity;
    options->identity = credentials.identity;
    options->identity.script_key = keys.script_key;
    options->identity.release_key = keys.release_key;
    if (!is_right || flash == NULL || options->memory.module_bytes == 0 || *credentials.device_id == 0
        || !read_address(url, mqtt))
        return false;
    mkdir(flash, 0700);
    port_files_open(flash);
    return options->identity.release_key == NULL || port_flash_open(flash, FLASH_SLOT_BYTES);
}

int main(int count, char **arguments)
{
    yg_device_options options = {
        .platform = PLATFORM,
        .firmware = FIRMWARE,
        .target = "virtual",
        .context = &loop,
        .publish = yg_loop_publish,
        .log = say,
        .memory = {
            .pool = pool,
            .pool_bytes = sizeof pool,
            .module = module,
            .core = { .image = core_image, .image_bytes = sizeof core_image, .stack_bytes = CORE_STACK_BYTES },
            .staging = staging,
            .images = images,
            .image_bytes = YG_SCRIPT_MODULE_BYTES_MAX,
        },
    };
    host_mqtt_options mqtt = { .queue = &queue };
    if (sodium_init() < 0 || !read_options(count, arguments, &options, &mqtt))
        return complain();
    mqtt.device_id = credentials.device_id;
    mqtt.token = credentials.token;
    yg_queue_open(&queue, slots, YG_LOOP_SLOT_BYTES, QUEUE_SLOTS);
    if (!start(&options))
        return 1;
    if (!host_mqtt_start(&mqtt) || !host_control_start(&queue)) {
        fprintf(stderr, "the tasks can't be started\n");
        return 1;
    }
    int code = run(&options);
    host_mqtt_stop();
    return code;
}
