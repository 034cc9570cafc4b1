/*
 * Losses of power in every operation of flash of commands and of a change of settings, each also a second time in every operation of what follows. The
 * broker gives a command again until it was acknowledged; a wire that forgets nothing notes every answer. Prints a line.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "memory_files.h"
#include "yg_journal.h"
#include "yg_settings.h"

/* More than answers are kept, so that the oldest is forgotten meanwhile. */
#define COMMANDS 6u
#define DONE 1
#define UNKNOWN 2

typedef struct {
    memory_flash flash;
    /* How often each command was carried out, and the answers it got. */
    uint32_t effects[COMMANDS];
    uint32_t dones[COMMANDS];
    uint32_t unknowns[COMMANDS];
    bool is_acknowledged[COMMANDS];
    bool is_setting_told;
} world;

static world now;
static yg_journal journal;
static yg_settings settings;
static jmp_buf power;
static uint32_t failures;

static void lost(void)
{
    now.flash = memory_files;
    longjmp(power, 1);
}

static void send(const yg_command_note *note, const uint8_t *payload)
{
    uint32_t number = note->command_id[0];
    if (payload[0] == DONE)
        now.dones[number]++;
    else
        now.unknowns[number]++;
}

static void conclude(uint8_t answer)
{
    const yg_command_note note = journal.content.begun;
    yg_journal_conclude(&journal, &answer, 1);
    send(&note, &answer);
}

static yg_frame command_of(uint32_t number)
{
    yg_frame frame = { .type = YG_FRAME_COMMAND, .nonce = 1000 + number, .source_id = { 7 } };
    frame.id[0] = (uint8_t)number;
    frame.id[1] = 1;
    return frame;
}

/* As yg_device.c does it. */
static void receive(uint32_t number)
{
    yg_frame frame = command_of(number);
    yg_command_note note = { .frame_id = { 9 } };
    uint8_t payload[YG_ANSWER_BYTES_MAX];
    uint32_t bytes = 0;
    memcpy(note.command_id, frame.id, YG_ID_BYTES);
    memcpy(note.source_id, frame.source_id, YG_ID_BYTES);
    if (yg_journal_answer(&journal, frame.id, frame.source_id, note.frame_id, payload, &bytes)) {
        send(&note, payload);
    } else if (yg_replay_use(&journal.content.replay, &frame) && yg_journal_begin(&journal, &note)) {
        now.effects[number]++;
        conclude(DONE);
    }
    now.is_acknowledged[number] = true;
}

/* Starts on the flash as it is, and does what is left to do. */
static void live(void)
{
    static const yg_command change = {
        .name = "settings.set",
        .arguments = { { .name = "resource_limits.bytes_per_minute", .kind = YG_VALUE_INTEGER, .number = 4096 } },
        .argument_count = 1,
    };
    memory_files = now.flash;
    memory_files_start();
    if (yg_journal_open(&journal))
        conclude(UNKNOWN);
    yg_settings_open(&settings);
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (!now.is_acknowledged[i])
            receive(i);
    if (settings.values[YG_BYTES_PER_MINUTE] != 4096 && yg_settings_change(&settings, &change) == YG_SCRIPT_DONE)
        now.is_setting_told = true;
    now.flash = memory_files;
}

/* Lives with a loss of power in one operation. True when it came to it. */
static bool live_and_lose(uint32_t operation, memory_cut kind)
{
    memory_files_cut(operation, kind, lost);
    if (setjmp(power) != 0)
        return true;
    live();
    return false;
}

static void fail(const char *why, uint32_t number)
{
    if (failures++ < 5)
        fprintf(stderr, "command %u: %s\n", (unsigned)number, why);
}

/* Lives to the end without a loss, and looks at what the wire saw. */
static void check(void)
{
    memory_files_cut(0, MEMORY_CUT_BEFORE, lost);
    live();
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (now.effects[i] > 1)
            fail("was carried out twice", i);
        if (now.dones[i] + now.unknowns[i] == 0)
            fail("was forgotten", i);
        if (now.dones[i] > 0 && (now.effects[i] == 0 || now.unknowns[i] > 0))
            fail("has answers that contradict each other", i);
    }
    memory_files = now.flash;
    memory_files_start();
    yg_settings_open(&settings);
    if (settings.values[YG_BYTES_PER_MINUTE] != 4096)
        fail("of settings: isn't kept", 0);
    /* A replay of each, once it has been forgotten as well. */
    if (yg_journal_open(&journal))
        fail("is still being carried out", 0);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        yg_frame frame = command_of(i);
        if (yg_replay_use(&journal.content.replay, &frame))
            fail("would be carried out once more", i);
    }
}

int main(void)
{
    uint32_t losses = 0;
    uint32_t second_losses = 0;
    memory_files_cut(0, MEMORY_CUT_BEFORE, lost);
    live();
    uint32_t operations = memory_files_operations();
    for (int kind = 0; kind < MEMORY_CUT_KINDS; kind++) {
        for (uint32_t operation = 1; operation <= operations; operation++) {
            memset(&now, 0, sizeof now);
            losses += live_and_lose(operation, (memory_cut)kind);
            const world after = now;
            check();
            for (int second = 0; second < MEMORY_CUT_KINDS; second++)
                for (uint32_t again = 1; now = after, live_and_lose(again, (memory_cut)second); again++) {
                    second_losses++;
                    check();
                }
        }
    }
    printf("commands and settings: %u operations of flash, %u losses, %u second losses, %u failures\n", (unsigned)operations,
           (unsigned)losses, (unsigned)second_losses, (unsigned)failures);
    return failures == 0 ? 0 : 1;
}
