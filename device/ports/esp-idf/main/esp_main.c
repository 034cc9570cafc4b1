/*
 * The firmware: sets itself up over the serial line, joins Wi-Fi, and is a device from there on. This task owns the runtime.
 */
#include <stdio.h>
#include <string.h>

#include "credentials.h"
#include "device_loop.h"
#include "esp_claim.h"
#include "esp_mqtt.h"
#include "esp_network.h"
#include "esp_ota_ops.h"
#include "esp_provision.h"
#include "esp_settings.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "port.h"
#include "port_esp.h"
#include "sodium.h"

#define FIRMWARE "yggdrasil-esp32 0.15.0"
#define PLATFORM "esp32-c3"
#define TARGET "esp32c3"
/* The core in the small profile with its stack, and two scripts of the size of the examples. */
#define POOL_BYTES 16384
/* Of the largest script. */
#define IMAGE_BYTES 2048
#define CORE_STACK_BYTES 1024
#define QUEUE_SLOTS 4
#define LINE_BYTES 4096
#define LINE_POLL_MS 20

/* build/device.wasm; the build puts it into flash (CMakeLists.txt). */
extern const uint8_t device_wasm_start[] __asm__("_binary_device_wasm_start");
extern const uint8_t device_wasm_end[] __asm__("_binary_device_wasm_end");

static _Alignas(8) uint8_t pool[POOL_BYTES];
static _Alignas(8) uint8_t core_image[YG_CORE_BYTES_MAX];
static _Alignas(8) uint8_t staging[YG_STAGING_BYTES];
static _Alignas(8) uint8_t images[YG_SCRIPT_SLOTS * IMAGE_BYTES];
static _Alignas(4) uint8_t slots[YG_LOOP_SLOT_BYTES * QUEUE_SLOTS];
static char url[ESP_SETTING_BYTES];
static char authority[ESP_SETTING_BYTES];
static char text[ESP_SETTING_BYTES];
static uint8_t script_key[32];
static uint8_t release_key[32];
static yg_credentials credentials;
static yg_queue queue;
static yg_device device;
static yg_loop loop;

static uint32_t now_ms(void)
{
    return (uint32_t)(port_clock_us() / 1000u);
}

static void say(void *context, bool is_error, const char *words)
{
    (void)context;
    printf("%s: %s\n", is_error ? "error" : "warn", words);
}

static void complain(const char *words)
{
    printf("error: %s\n", words);
}

static void confirmed(void *context)
{
    (void)context;
    if (esp_ota_mark_app_valid_cancel_rollback() != ESP_OK)
        complain("the boot loader doesn't confirm this image");
}

static void connected(void)
{
    printf("connected\n");
}

static void lost(uint32_t retry_ms)
{
    printf("not connected, next try in %u ms\n", (unsigned)retry_ms);
}

static const yg_loop_network NETWORK = {
    .connect = esp_mqtt_connect,
    .carried_out = esp_mqtt_carried_out,
    .drop = esp_mqtt_drop,
    .publish = esp_mqtt_publish,
    .connected = connected,
    .lost = lost,
};

/* Reads a line of the serial line, which answers nothing while there is none. */
static void read_line(char line[LINE_BYTES])
{
    size_t length = 0;
    for (;;) {
        int character = getchar();
        if (character == EOF)
            vTaskDelay(pdMS_TO_TICKS(LINE_POLL_MS) + 1);
        else if (character == '\n' || character == '\r' || length == LINE_BYTES - 1)
            break;
        else
            line[length++] = (char)character;
    }
    line[length] = 0;
}

static const char *authority_or_null(void)
{
    return esp_settings_get("authority", authority) ? authority : NULL;
}

static bool start_network(void)
{
    static char password[ESP_SETTING_BYTES];
    static bool is_started;
    esp_settings_get("password", password);
    if (!is_started && esp_settings_get("ssid", text))
        is_started = esp_network_start(text, password);
    return is_started;
}

static void claim(void)
{
    if (!esp_provision_can_claim() || !start_network() || !esp_settings_get("server", url)) {
        printf("ssid, server and mqtt come first\n");
        return;
    }
    while (!esp_network_is_up())
        vTaskDelay(pdMS_TO_TICKS(LINE_POLL_MS) + 1);
    esp_claim(url, authority_or_null());
}

/* Until everything is there that a device needs. */
static void set_up(void)
{
    static char line[LINE_BYTES];
    while (!esp_provision_is_complete()) {
        printf("to be set up: a line of JSON, or claim, show, forget, restart\n");
        read_line(line);
        esp_line taken = esp_provision_line(line);
        if (taken == ESP_LINE_CLAIM)
            claim();
        else if (taken == ESP_LINE_RESTART)
            esp_restart();
        else
            printf("%s\n", taken == ESP_LINE_TAKEN ? "ok" : taken == ESP_LINE_NOT_KEPT ? "flash refuses" : "not understood");
    }
}

static bool open_flash(void)
{
    esp_err_t error = nvs_flash_init();
    if (error == ESP_ERR_NVS_NO_FREE_PAGES || error == ESP_ERR_NVS_NEW_VERSION_FOUND)
        error = nvs_flash_erase() == ESP_OK ? nvs_flash_init() : error;
    return error == ESP_OK && port_esp_files_open() && port_esp_flash_open();
}

/* What the device is told. False when its credentials can't be used. */
static bool describe(yg_device_options *options)
{
    if (!esp_settings_get("credentials", text) || !yg_parse_credentials(text, strlen(text), &credentials, complain))
        return false;
    options->identity = credentials.identity;
    if (esp_settings_get("scriptKey", text) && yg_parse_key(text, script_key))
        options->identity.script_key = script_key;
    if (esp_settings_get("releaseKey", text) && yg_parse_key(text, release_key))
        options->identity.release_key = release_key;
    options->memory.module_bytes = (uint32_t)(device_wasm_end - device_wasm_start);
    memset(text, 0, sizeof text);
    return true;
}

/* The table says another slot than the one that runs: the boot loader went back by itself, or an update is to be tried. */
static void start_other_slot(void)
{
    if (!port_esp_flash_boot(device.slot))
        complain("the other slot holds no image that can start");
    esp_restart();
}

static void run(void)
{
    static uint8_t message[YG_LOOP_MESSAGE_BYTES];
    uint32_t bytes = 0;
    for (;;) {
        uint32_t wait_ms = yg_loop_turn(&loop, now_ms());
        if (yg_loop_restarts(&loop, now_ms()))
            esp_restart();
        if (yg_queue_take(&queue, message, &bytes, wait_ms) == YG_OK)
            yg_loop_message(&loop, message, bytes, now_ms());
    }
}

void app_main(void)
{
    yg_device_options options = {
        .platform = PLATFORM,
        .firmware = FIRMWARE,
        .target = TARGET,
        .context = &loop,
        .publish = yg_loop_publish,
        .log = say,
        .confirmed = confirmed,
        .memory = {
            .pool = pool,
            .pool_bytes = sizeof pool,
            .module = device_wasm_start,
            .core = { .image = core_image, .image_bytes = sizeof core_image, .stack_bytes = CORE_STACK_BYTES },
            .staging = staging,
            .images = images,
            .image_bytes = IMAGE_BYTES,
        },
    };
    if (!port_esp_start() || sodium_init() < 0 || !open_flash())
        port_fail("the board can't be had: flash, its partitions, or memory");
    port_esp_board_start();
    set_up();
    yg_queue_open(&queue, slots, YG_LOOP_SLOT_BYTES, QUEUE_SLOTS);
    if (!describe(&options) || !start_network())
        port_fail("what was set up can't be used");
    if (yg_device_open(&device, &options, now_ms()) != YG_OK)
        port_fail("the device can't start");
    if (options.identity.release_key != NULL && device.slot != port_esp_flash_running())
        start_other_slot();
    esp_settings_get("mqtt", url);
    const esp_mqtt_options mqtt = {
        .url = url,
        .device_id = credentials.device_id,
        .token = credentials.token,
        .authority = authority_or_null(),
        .queue = &queue,
    };
    yg_loop_open(&loop, &device, &NETWORK, now_ms());
    /* esp-mqtt makes the first try itself. */
    loop.is_connect_wanted = false;
    if (!esp_mqtt_start(&mqtt))
        port_fail("there is no memory for MQTT");
    run();
}
