#include "fuzz_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_files.h"
#include "port.h"

#define POOL_BYTES 65536
#define IMAGE_BYTES 4096
#define SLOT_BYTES (4u * PORT_SECTOR_BYTES)
#define MODULE_BYTES_MAX 16384

yg_device fuzz_device;

static _Alignas(8) uint8_t pool[POOL_BYTES];
static _Alignas(8) uint8_t core_image[YG_CORE_BYTES_MAX];
static _Alignas(8) uint8_t staging[YG_STAGING_BYTES];
static _Alignas(8) uint8_t images[YG_SCRIPT_SLOTS * IMAGE_BYTES];
static uint8_t slots[2][SLOT_BYTES];
static uint8_t table[2 * PORT_SECTOR_BYTES];
static uint8_t marks[PORT_SECTOR_BYTES];
static uint8_t module[MODULE_BYTES_MAX];
static uint32_t module_bytes;
static const uint8_t KEY[32] = { 1 };
static uint64_t nonce;
static double led;

bool port_verify_signature(const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t bytes)
{
    (void)key;
    (void)signature;
    (void)message;
    (void)bytes;
    return true;
}

bool port_gpio_mode(uint32_t pin, bool is_output)
{
    (void)is_output;
    return pin < 40;
}

bool port_gpio_write(uint32_t pin, bool level)
{
    (void)level;
    return pin < 40;
}

int port_gpio_read(uint32_t pin)
{
    return pin < 40 ? 0 : -1;
}

bool port_sensor_read(const char *name, double *value)
{
    *value = 20.5;
    return strcmp(name, "sensor.temperature") == 0;
}

bool port_actuator_set(const char *name, double value)
{
    led = value;
    return strcmp(name, "led") == 0;
}

bool port_actuator_get(const char *name, double *value)
{
    *value = led;
    return strcmp(name, "led") == 0;
}

bool port_board_is_simulated(void)
{
    return true;
}

uint64_t port_wall_clock_ms(void)
{
    return 0;
}

/* The same in every run, so that an input does the same again. */
void port_random(void *bytes, size_t count)
{
    static uint32_t state = 1;
    for (size_t i = 0; i < count; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
}

uint32_t port_flash_slot_bytes(void)
{
    return SLOT_BYTES;
}

static uint8_t *region_at(port_flash_region region)
{
    if (region == PORT_TABLE)
        return table;
    return region == PORT_MARKS ? marks : slots[region == PORT_SLOT_B];
}

bool port_flash_read(port_flash_region region, uint32_t offset, void *data, uint32_t bytes)
{
    memcpy(data, region_at(region) + offset, bytes);
    return true;
}

bool port_flash_erase(port_flash_region region, uint32_t sector)
{
    memset(region_at(region) + sector * PORT_SECTOR_BYTES, 0xff, PORT_SECTOR_BYTES);
    return true;
}

bool port_flash_write(port_flash_region region, uint32_t offset, const void *data, uint32_t bytes)
{
    memcpy(region_at(region) + offset, data, bytes);
    return true;
}

/* WAMR's log is off; clang's sanitizers keep its functions in the program all the same. */
uint64_t bh_get_tick_ms(void);
int os_dumps_proc_mem_info(char *out, unsigned size);

uint64_t bh_get_tick_ms(void)
{
    return 0;
}

int os_dumps_proc_mem_info(char *out, unsigned size)
{
    (void)out;
    (void)size;
    return -1;
}

static bool publish(void *context, const uint8_t *frame, uint32_t bytes, uint32_t token)
{
    yg_frame read;
    (void)context;
    (void)token;
    /* What a device sends is a frame. */
    if (!yg_frame_read(frame, bytes, &read))
        abort();
    return true;
}

static void ignore(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

static void read_module(void)
{
    const char *path = getenv("DEVICE_WASM");
    FILE *file = fopen(path == NULL ? "build/device.wasm" : path, "rb");
    if (file == NULL) {
        perror("device.wasm");
        exit(2);
    }
    module_bytes = (uint32_t)fread(module, 1, sizeof module, file);
    fclose(file);
}

void fuzz_device_start(void)
{
    static const uint8_t key[32] = { 2 };
    yg_device_options options = {
        .identity = { .device_id = { 0xde }, .network_id = { 0x11 }, .script_key = key, .release_key = key },
        .memory = {
            .pool = pool,
            .pool_bytes = sizeof pool,
            .module = module,
            .core = { .image = core_image, .image_bytes = sizeof core_image, .stack_bytes = 8192 },
            .staging = staging,
            .images = images,
            .image_bytes = IMAGE_BYTES,
        },
        .platform = "fuzz",
        .firmware = "fuzz",
        .target = "virtual",
        .publish = publish,
        .log = ignore,
    };
    if (module_bytes == 0)
        read_module();
    options.memory.module_bytes = module_bytes;
    memcpy(options.identity.signing_key, KEY, sizeof KEY);
    memset(&memory_files, 0, sizeof memory_files);
    memset(slots, 0xff, sizeof slots);
    memset(table, 0xff, sizeof table);
    memset(marks, 0xff, sizeof marks);
    nonce = 1;
    if (yg_device_open(&fuzz_device, &options, 0) != YG_OK)
        abort();
    yg_device_connected(&fuzz_device, true);
}

void fuzz_device_end(void)
{
    yg_device_close(&fuzz_device);
}

static void deliver(const uint8_t *bytes, uint32_t count)
{
    yg_device_received(&fuzz_device, bytes, count);
    yg_device_release(&fuzz_device);
    /* The broker takes everything over, so that there is room again. */
    for (uint32_t token = fuzz_device.last_token; token > 0 && token + 8 > fuzz_device.last_token; token--)
        yg_device_settled(&fuzz_device, token);
    if (yg_device_wants_restart(&fuzz_device)) {
        const yg_device_options options = fuzz_device.options;
        yg_device_close(&fuzz_device);
        if (yg_device_open(&fuzz_device, &options, 0) != YG_OK)
            abort();
        yg_device_connected(&fuzz_device, true);
    }
}

void fuzz_device_give(const uint8_t *bytes, uint32_t count)
{
    static uint8_t frame[YG_DEVICE_FRAME_BYTES_MAX];
    yg_frame read;
    if (count > sizeof frame) {
        deliver(bytes, count);
        return;
    }
    memcpy(frame, bytes, count);
    if (yg_frame_read(frame, count, &read))
        yg_core_sign(&fuzz_device.core, 0, frame, yg_frame_signed_bytes(count), frame + count - YG_FRAME_SIGNATURE_BYTES);
    deliver(frame, count);
}

void fuzz_device_give_payload(uint32_t type, const uint8_t *payload, uint32_t bytes)
{
    static uint8_t wire[YG_DEVICE_FRAME_BYTES_MAX];
    yg_frame frame = {
        .type = type,
        .delivery = type == YG_FRAME_COMMAND ? YG_STORED : YG_TRANSIENT,
        .network_id = { 0x11 },
        .destination_id = { 0xde },
        .has_destination = true,
        .has_correlation = type == YG_FRAME_ERROR,
        .nonce = ++nonce,
        .payload = payload,
        .payload_bytes = bytes,
    };
    memcpy(frame.id, &nonce, sizeof nonce);
    memcpy(frame.correlation_id, fuzz_device.asked_id, YG_ID_BYTES);
    frame.source_id[0] = type == YG_FRAME_COMMAND;
    uint32_t count = yg_frame_write(&frame, wire, sizeof wire);
    if (count > 0)
        fuzz_device_give(wire, count);
}

bool fuzz_take(fuzz_input *input, uint8_t *kind, const uint8_t **bytes, uint32_t *count)
{
    if (input->end - input->at < 3)
        return false;
    *kind = input->at[0];
    uint32_t wanted = (uint32_t)input->at[1] | (uint32_t)input->at[2] << 8;
    input->at += 3;
    uint32_t left = (uint32_t)(input->end - input->at);
    *count = wanted < left ? wanted : left;
    *bytes = input->at;
    input->at += *count;
    return true;
}
