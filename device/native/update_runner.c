/*
 * A device with updates on Linux, driven over its standard input: each message is a kind, the length of its payload (32 bits,
 * little-endian) and the payload. device/native/update-device.ts is the other end. Arguments: the folder of the flash, bytes of a slot, a file with the owner's key, the target.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port_host_flash.h"
#include "port.h"
#include "yg_update.h"

#define PAYLOAD_BYTES_MAX 8192u
#define BROKEN "broken"

/* What comes in. */
enum { START = 1, CONNECTED = 2, OFFER = 3, PART = 4, REFUSED = 5, SETTLED = 6, TICK = 7 };
/* What goes out; DONE after everything that a message led to. */
enum { DONE = 0, REPORT = 1, OUTCOME = 2, ASK = 3, RESTART = 4, RUNS = 5 };

static uint8_t owner_key[32];
static uint8_t payload[PAYLOAD_BYTES_MAX];
static yg_update device;

static void say(uint8_t kind, const void *bytes, uint32_t count)
{
    uint8_t head[5] = { kind, (uint8_t)count, (uint8_t)(count >> 8), (uint8_t)(count >> 16), (uint8_t)(count >> 24) };
    fwrite(head, 1, sizeof head, stdout);
    fwrite(bytes, 1, count, stdout);
}

static void on_report(void *context, const uint8_t *bytes, uint32_t count, bool is_outcome)
{
    (void)context;
    say(is_outcome ? OUTCOME : REPORT, bytes, count);
}

static void on_ask(void *context, const uint8_t *bytes, uint32_t count)
{
    (void)context;
    say(ASK, bytes, count);
}

static void on_restart(void *context)
{
    (void)context;
    say(RESTART, "", 0);
}

static uint32_t take_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* An image that begins with "broken" restarts at once, as one that crashes. Nothing of an image is executed here. */
static void start(const char *target)
{
    const yg_update_options options = {
        .owner_key = owner_key,
        .target = target,
        .report = on_report,
        .ask = on_ask,
        .restart = on_restart,
    };
    char image[sizeof BROKEN] = "";
    char words[64] = "";
    uint32_t slot;
    yg_release running;
    do {
        slot = yg_update_open(&device, &options, take_u32(payload));
        port_flash_read((port_flash_region)slot, 0, image, sizeof image - 1);
    } while (device.is_trial && strcmp(image, BROKEN) == 0);
    if (yg_update_running(&device, &running))
        snprintf(words, sizeof words, "%s %u", running.name, (unsigned)running.version);
    say(RUNS, words, (uint32_t)strlen(words));
}

static void carry_out(uint8_t kind, uint32_t count, const char *target)
{
    if (kind == START)
        start(target);
    else if (kind == CONNECTED)
        yg_update_connected(&device, payload[0] != 0);
    else if (kind == OFFER)
        yg_update_offered(&device, payload, count);
    else if (kind == PART)
        yg_update_received(&device, payload, count);
    else if (kind == REFUSED)
        yg_update_refused(&device, take_u32(payload));
    else if (kind == SETTLED)
        yg_update_settled(&device, payload[0] != 0);
    else if (kind == TICK)
        yg_update_tick(&device, take_u32(payload));
}

int main(int count, char **arguments)
{
    uint8_t head[5];
    if (count != 5 || !port_flash_open(arguments[1], (uint32_t)strtoul(arguments[2], NULL, 10)))
        return 2;
    FILE *key = fopen(arguments[3], "rb");
    if (key == NULL || fread(owner_key, 1, sizeof owner_key, key) != sizeof owner_key)
        return 2;
    fclose(key);
    while (fread(head, 1, sizeof head, stdin) == sizeof head && take_u32(head + 1) <= PAYLOAD_BYTES_MAX) {
        memset(payload, 0, 4);
        if (fread(payload, 1, take_u32(head + 1), stdin) != take_u32(head + 1))
            return 1;
        carry_out(head[0], take_u32(head + 1), arguments[4]);
        say(DONE, "", 0);
        fflush(stdout);
    }
    return 0;
}
