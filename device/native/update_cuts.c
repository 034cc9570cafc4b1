/*
 * Losses of power in every change of flash of an update, of its confirmation and of a rollback, each also a second time in every change of
 * what follows. Flash is memory here, so that all of them take seconds. Reads the owner's key and three releases (`.ygr`: versions 1
 * and 2, and another one of version 2 that never reaches the server); prints a line for each kind of update.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "port.h"
#include "yg_update.h"

#define SLOT_BYTES (4u * PORT_SECTOR_BYTES)
#define MESSAGES_MAX 64u
#define FILE_BYTES_MAX (SLOT_BYTES + YG_RELEASE_HEAD_BYTES)

typedef enum { CUT_BEFORE, CUT_IN_HALF, CUT_TO_GARBAGE, CUT_KINDS } cut_kind;

typedef struct {
    uint8_t slots[2][SLOT_BYTES];
    uint8_t table[2 * PORT_SECTOR_BYTES];
    uint8_t marks[PORT_SECTOR_BYTES];
} flash;

/* What a loss of power left. `is_begun`: the server was told of a download, and offers it no more. */
typedef struct {
    flash memory;
    bool is_begun;
} remains;

typedef struct {
    uint8_t bytes[FILE_BYTES_MAX];
    uint32_t content_bytes;
} release_file;

typedef struct {
    const char *name;
    const release_file *before;
    const release_file *after;
    bool allow_older;
    bool is_broken;
} scenario;

/* What the device sent and the server hasn't answered yet. */
typedef struct {
    bool is_ask;
    bool is_outcome;
    uint8_t payload[YG_UPDATE_PAYLOAD_BYTES];
    uint32_t bytes;
} sent;

static const uint8_t ROLLOUT[YG_ROLLOUT_ID_BYTES] = { 0xaa };

static flash memory;
static uint32_t changes;
static uint32_t cut_at;
static cut_kind kind_of_cut;
static jmp_buf power;
static uint8_t owner_key[32];
static release_file files[3];
static yg_update device;
static uint32_t running_slot;
static sent queue[MESSAGES_MAX];
static uint32_t queue_first;
static uint32_t queue_count;
static bool is_restarting;
static bool is_reported;
static uint32_t outcomes;
static uint32_t failures;

static uint8_t *region_at(port_flash_region region)
{
    if (region == PORT_TABLE)
        return memory.table;
    return region == PORT_MARKS ? memory.marks : memory.slots[region == PORT_SLOT_B];
}

uint32_t port_flash_slot_bytes(void)
{
    return SLOT_BYTES;
}

bool port_flash_read(port_flash_region region, uint32_t offset, void *data, uint32_t bytes)
{
    memcpy(data, region_at(region) + offset, bytes);
    return true;
}

static void change(uint8_t *at, const uint8_t *data, uint32_t bytes)
{
    bool is_cut = ++changes == cut_at;
    if (!is_cut)
        memcpy(at, data, bytes);
    else if (kind_of_cut == CUT_IN_HALF)
        memcpy(at, data, bytes / 2);
    for (uint32_t i = 0; is_cut && kind_of_cut == CUT_TO_GARBAGE && i < bytes; i++)
        at[i] = (uint8_t)(i * 167 + changes * 31);
    if (is_cut)
        longjmp(power, 1);
}

bool port_flash_erase(port_flash_region region, uint32_t sector)
{
    static uint8_t erased[PORT_SECTOR_BYTES];
    memset(erased, 0xff, sizeof erased);
    change(region_at(region) + sector * PORT_SECTOR_BYTES, erased, sizeof erased);
    return true;
}

bool port_flash_write(port_flash_region region, uint32_t offset, const void *data, uint32_t bytes)
{
    const uint8_t *from = data;
    uint8_t *at = region_at(region) + offset;
    /* Bits go from 1 to 0 only. */
    for (uint32_t i = 0; i < bytes; i++)
        if ((at[i] & from[i]) != from[i]) {
            fprintf(stderr, "region %d isn't erased at %u\n", (int)region, (unsigned)(offset + i));
            exit(1);
        }
    change(at, from, bytes);
    return true;
}

static void push(const uint8_t *payload, uint32_t bytes, bool is_ask, bool is_outcome)
{
    sent *next = &queue[(queue_first + queue_count++) % MESSAGES_MAX];
    next->is_ask = is_ask;
    next->is_outcome = is_outcome;
    next->bytes = bytes;
    memcpy(next->payload, payload, bytes);
}

static void on_report(void *context, const uint8_t *payload, uint32_t bytes, bool is_outcome)
{
    (void)context;
    push(payload, bytes, false, is_outcome);
}

static void on_ask(void *context, const uint8_t *payload, uint32_t bytes)
{
    (void)context;
    push(payload, bytes, true, false);
}

static void on_restart(void *context)
{
    (void)context;
    is_restarting = true;
}

static void pump(const scenario *what);

/* Starts the device on its flash. An image that is broken restarts at once, as one that crashes. */
static void start(const scenario *what, bool is_connected)
{
    const yg_update_options options = {
        .owner_key = owner_key,
        .target = "virtual",
        .report = on_report,
        .ask = on_ask,
        .restart = on_restart,
    };
    queue_count = 0;
    do
        running_slot = yg_update_open(&device, &options, 0);
    while (device.is_trial && what->is_broken);
    if (!is_connected)
        return;
    yg_update_connected(&device, true);
    /* The server took its capabilities over. */
    yg_update_settled(&device, false);
    pump(what);
}

static uint8_t *put_bytes(uint8_t *at, uint8_t field, const uint8_t *data, uint32_t bytes)
{
    *at++ = (uint8_t)(field << 3 | 2);
    *at++ = (uint8_t)(bytes | 0x80);
    *at++ = (uint8_t)(bytes >> 7);
    memcpy(at, data, bytes);
    return at + bytes;
}

static uint32_t read_varint(const uint8_t **at)
{
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* The numbers of an UPDATE_REQUEST or UPDATE_REPORT, by field. */
static void read_numbers(const sent *what, uint32_t numbers[5])
{
    const uint8_t *at = what->payload + 2 + YG_ROLLOUT_ID_BYTES;
    memset(numbers, 0, 5 * sizeof numbers[0]);
    while (at < what->payload + what->bytes) {
        uint32_t field = *at++ >> 3;
        numbers[field % 5] = read_varint(&at);
    }
}

static void give(const scenario *what, const sent *asked)
{
    uint8_t payload[YG_UPDATE_PIECE_BYTES + 64];
    uint32_t numbers[5];
    read_numbers(asked, numbers);
    uint8_t *at = put_bytes(payload, 1, ROLLOUT, sizeof ROLLOUT);
    *at++ = 2 << 3;
    uint32_t offset = numbers[2];
    for (; offset >= 0x80; offset >>= 7)
        *at++ = (uint8_t)(offset | 0x80);
    *at++ = (uint8_t)offset;
    at = put_bytes(at, 3, what->after->bytes + YG_RELEASE_HEAD_BYTES + numbers[2], numbers[3]);
    yg_update_received(&device, payload, (uint32_t)(at - payload));
}

/* Lets the server answer until nothing is asked any more. All that a restart leaves is flash. */
static void pump(const scenario *what)
{
    for (;;) {
        if (is_restarting) {
            is_restarting = false;
            start(what, true);
            return;
        }
        if (queue_count == 0)
            return;
        sent next = queue[queue_first % MESSAGES_MAX];
        queue_first++;
        queue_count--;
        if (next.is_ask) {
            give(what, &next);
            continue;
        }
        uint32_t numbers[5];
        read_numbers(&next, numbers);
        is_reported = true;
        outcomes += numbers[2] >= YG_UPDATE_UPDATED;
        yg_update_settled(&device, next.is_outcome);
    }
}

static void offer(const scenario *what)
{
    uint8_t payload[256];
    uint8_t *at = put_bytes(payload, 1, ROLLOUT, sizeof ROLLOUT);
    at = put_bytes(at, 2, what->after->bytes, YG_RELEASE_MANIFEST_BYTES);
    at = put_bytes(at, 3, what->after->bytes + YG_RELEASE_MANIFEST_BYTES, YG_RELEASE_SIGNATURE_BYTES);
    if (what->allow_older) {
        *at++ = 4 << 3;
        *at++ = 1;
    }
    yg_update_offered(&device, payload, (uint32_t)(at - payload));
    pump(what);
}

/* Goes on from what was left, losing power in a change; 0 for never. False: power was lost. */
static bool run(const remains *from, const scenario *what, uint32_t at, cut_kind kind)
{
    memory = from->memory;
    changes = 0;
    cut_at = at;
    kind_of_cut = kind;
    is_restarting = is_reported = false;
    outcomes = 0;
    if (setjmp(power) != 0)
        return false;
    start(what, true);
    if (!from->is_begun)
        offer(what);
    return true;
}

static void leave(const remains *from, remains *left)
{
    left->memory = memory;
    left->is_begun = from->is_begun || is_reported;
}

/* The release that runs, byte for byte; NULL: none of those that were signed. */
static const release_file *running(void)
{
    for (unsigned i = 0; i < 3; i++)
        if (memcmp(memory.slots[running_slot], files[i].bytes + YG_RELEASE_HEAD_BYTES, files[i].content_bytes) == 0)
            return &files[i];
    return NULL;
}

static void require(bool is_true, const char *why, const scenario *what, uint32_t first, uint32_t second)
{
    if (is_true)
        return;
    if (failures++ == 0)
        printf("%s: %s, change %u, then %u\n", what->name, why, (unsigned)first, (unsigned)second);
}

/* Looks at what starts, and at how it ends. Returns whether the new one was confirmed. */
static bool check(const remains *from, const scenario *what, bool was_confirmed, uint32_t first, uint32_t second)
{
    const release_file *last = what->is_broken ? what->before : what->after;
    memory = from->memory;
    cut_at = 0;
    start(what, false);
    const release_file *seen = running();
    bool is_confirmed = !device.is_trial && seen == last && last != what->before;
    require(seen == what->before || seen == what->after, "what starts is no whole image", what, first, second);
    require(!was_confirmed || seen == last, "the old one came back", what, first, second);
    require(run(from, what, 0, CUT_BEFORE), "power was lost", what, first, second);
    require(running() == last && !device.is_trial, "it ends with another image", what, first, second);
    require(outcomes > 0, "its outcome is forgotten", what, first, second);
    return is_confirmed;
}

static void cut_everywhere(const scenario *what)
{
    static remains beginning;
    static remains left;
    static remains left_again;
    uint32_t losses = 0;
    uint32_t second_losses = 0;
    const scenario first_install = { "", NULL, what->before, false, false };
    memset(&beginning, 0xff, sizeof beginning.memory);
    beginning.is_begun = false;
    run(&beginning, &first_install, 0, CUT_BEFORE);
    beginning.memory = memory;
    run(&beginning, what, 0, CUT_BEFORE);
    uint32_t operations = changes;
    for (int kind = 0; kind < CUT_KINDS; kind++) {
        for (uint32_t at = 1; at <= operations; at++) {
            require(!run(&beginning, what, at, (cut_kind)kind), "a change never came", what, at, 0);
            losses++;
            leave(&beginning, &left);
            bool is_confirmed = check(&left, what, false, at, 0);
            for (int second = 0; second < CUT_KINDS; second++) {
                for (uint32_t again = 1; !run(&left, what, again, (cut_kind)second); again++) {
                    second_losses++;
                    leave(&left, &left_again);
                    check(&left_again, what, is_confirmed, at, again);
                }
            }
        }
    }
    printf("%s: %u changes of flash, %u losses, %u second losses, %u failures\n", what->name, (unsigned)operations,
           (unsigned)losses, (unsigned)second_losses, (unsigned)failures);
}

static void read_file(const char *path, uint8_t *bytes, uint32_t bytes_max, uint32_t *count)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    *count = (uint32_t)fread(bytes, 1, bytes_max, file);
    fclose(file);
}

int main(int count, char **arguments)
{
    uint32_t bytes = 0;
    if (count != 5 || sodium_init() < 0)
        return 2;
    read_file(arguments[1], owner_key, sizeof owner_key, &bytes);
    for (int i = 0; i < 3; i++) {
        read_file(arguments[i + 2], files[i].bytes, sizeof files[i].bytes, &bytes);
        files[i].content_bytes = bytes - YG_RELEASE_HEAD_BYTES;
    }
    const scenario scenarios[] = {
        { "an update with its confirmation", &files[0], &files[1], false, false },
        { "an update that rolls itself back", &files[0], &files[2], false, true },
        { "a rollback by hand", &files[1], &files[0], true, false },
    };
    printf("%u bytes of memory\n", (unsigned)sizeof(yg_update));
    for (unsigned i = 0; i < 3; i++)
        cut_everywhere(&scenarios[i]);
    return failures == 0 ? 0 : 1;
}
