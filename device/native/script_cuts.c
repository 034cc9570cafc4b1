#include "script_cuts.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port.h"
#include "port_host_files.h"
#include "script_runner.h"

#define PATH_BYTES 512
/* Bytes of a part: so few that a small module takes several. */
#define PART_BYTES 120u
#define COMMAND_BYTES_MAX 512u

/* What a child ended with. */
enum { AS_BEFORE = 10, AS_AFTER = 11, AS_NEITHER = 12, DONE = 13, BROKEN = 14 };

typedef struct {
    const uint8_t *at;
    uint32_t bytes;
} blob;

static uint32_t what;
static const uint8_t *key;
static blob module;
static blob probe;
static blob packages[2];
/* Carried out before the change, when there is one. */
static blob preparation;
static uint8_t before[RESULT_BYTES_MAX];
static uint8_t after[RESULT_BYTES_MAX];
static uint32_t before_bytes;
static uint32_t after_bytes;
static yg_scripts device;
static uint8_t result[RESULT_BYTES_MAX];
static uint32_t losses;
static uint32_t second_losses;
static uint32_t failures;
static char first_failure[200];

static void copy_file(const char *from, const char *to)
{
    static uint8_t content[65536];
    FILE *file = fopen(from, "rb");
    size_t bytes = fread(content, 1, sizeof content, file);
    fclose(file);
    file = fopen(to, "wb");
    fwrite(content, 1, bytes, file);
    fclose(file);
}

/* Makes a folder what another is; from NULL it is made empty. */
static void copy_folder(const char *from, const char *to)
{
    char source[PATH_BYTES];
    char target[PATH_BYTES];
    mkdir(to, 0700);
    for (const char *listed = to; listed != NULL; listed = listed == to ? from : NULL) {
        DIR *folder = opendir(listed);
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
            snprintf(source, sizeof source, "%s/%s", listed, entry->d_name);
            if (listed == to)
                unlink(target);
            else
                copy_file(source, target);
        }
        closedir(folder);
    }
}

/* An argument of a Command: bytes, or a whole number below 2^13. */
static uint8_t *put_argument(uint8_t *at, const char *name, const uint8_t *bytes, uint32_t count)
{
    uint8_t value[COMMAND_BYTES_MAX];
    uint32_t name_bytes = (uint32_t)strlen(name);
    uint32_t value_bytes = 0;
    value[value_bytes++] = bytes == NULL ? 0x10 : 0x2a;
    uint32_t number = bytes == NULL ? count << 1 : count;
    value[value_bytes++] = (uint8_t)(number | 0x80);
    value[value_bytes++] = (uint8_t)(number >> 7);
    if (bytes != NULL) {
        memcpy(value + value_bytes, bytes, count);
        value_bytes += count;
    }
    uint32_t entry_bytes = 2 + name_bytes + 3 + value_bytes;
    *at++ = 0x12;
    *at++ = (uint8_t)(entry_bytes | 0x80);
    *at++ = (uint8_t)(entry_bytes >> 7);
    *at++ = 0x0a;
    *at++ = (uint8_t)name_bytes;
    memcpy(at, name, name_bytes);
    at += name_bytes;
    *at++ = 0x12;
    *at++ = (uint8_t)(value_bytes | 0x80);
    *at++ = (uint8_t)(value_bytes >> 7);
    memcpy(at, value, value_bytes);
    return at + value_bytes;
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
    uint32_t bytes = (uint32_t)strlen(name);
    *at++ = 0x0a;
    *at++ = (uint8_t)bytes;
    memcpy(at, name, bytes);
    return at + bytes;
}

static void command(const uint8_t *start, const uint8_t *end)
{
    yg_scripts_command(&device, 0, start, (uint32_t)(end - start), result, sizeof result);
}

static void deploy(const blob *package)
{
    uint8_t text[COMMAND_BYTES_MAX];
    uint8_t head[YG_HEAD_BYTES];
    uint32_t module_bytes = package->bytes - YG_HEAD_BYTES;
    uint8_t *end = put_argument(put_name(text, "script.begin"), "manifest", package->at, YG_MANIFEST_BYTES);
    command(text, put_argument(end, "signature", package->at + YG_MANIFEST_BYTES, YG_SIGNATURE_BYTES));
    int32_t there = yg_store_incoming(head);
    while (there >= 0 && (uint32_t)there < module_bytes) {
        uint32_t part = module_bytes - (uint32_t)there < PART_BYTES ? module_bytes - (uint32_t)there : PART_BYTES;
        end = put_argument(put_name(text, "script.chunk"), "offset", NULL, (uint32_t)there);
        command(text, put_argument(end, "data", package->at + YG_HEAD_BYTES + there, part));
        int32_t now = yg_store_incoming(head);
        if (now <= there)
            return;
        there = now;
    }
    command(text, put_name(text, "script.commit"));
}

static void change(void)
{
    if (what == 0)
        deploy(&packages[1]);
    else
        command(packages[1].at, packages[1].at + packages[1].bytes);
}

static void start_or_end(const char *folder)
{
    port_files_open(folder);
    if (!device_start(&device, key, module.at, module.bytes, 0))
        _exit(BROKEN);
}

static int ended(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static uint32_t ask(void)
{
    return yg_scripts_command(&device, 0, probe.at, probe.bytes, result, sizeof result);
}

/* Starts a device on a folder, as it is, and asks. */
static int look(const char *folder)
{
    pid_t child = fork();
    if (child != 0)
        return ended(child);
    start_or_end(folder);
    uint32_t bytes = ask();
    if (bytes == before_bytes && memcmp(result, before, bytes) == 0)
        _exit(AS_BEFORE);
    _exit(bytes == after_bytes && memcmp(result, after, bytes) == 0 ? AS_AFTER : AS_NEITHER);
}

/* Starts a device on a folder and makes the change, losing power in an operation of it. DONE when it never came to it. */
static int change_with_cut(const char *folder, uint32_t operation, port_cut kind, bool is_start_included)
{
    pid_t child = fork();
    if (child != 0)
        return ended(child);
    if (is_start_included)
        port_files_cut(operation, kind);
    start_or_end(folder);
    if (!is_start_included)
        port_files_cut(operation, kind);
    change();
    _exit(DONE);
}

static void fail(const char *why, uint32_t first, int kind, uint32_t second, int second_kind)
{
    if (failures++ == 0)
        snprintf(first_failure, sizeof first_failure, "%s: operation %u kind %d, then %u kind %d", why,
                 (unsigned)first, kind, (unsigned)second, second_kind);
}

/* Loses power a second time in every operation of what follows the first loss. */
static void cut_again(uint32_t first, int first_kind, int seen)
{
    for (int kind = 0; kind < CUT_KINDS; kind++) {
        for (uint32_t operation = 1;; operation++) {
            copy_folder("flash-cut", "flash-again");
            int end = change_with_cut("flash-again", operation, (port_cut)kind, true);
            if (end == DONE)
                break;
            second_losses++;
            int now = look("flash-again");
            if (end != PORT_CUT_EXIT_CODE || (now != AS_BEFORE && now != AS_AFTER))
                fail("broken after two losses", first, first_kind, operation, kind);
            else if (seen == AS_AFTER && now == AS_BEFORE)
                fail("the old one came back", first, first_kind, operation, kind);
            change_with_cut("flash-again", 0, CUT_BEFORE, false);
            if (look("flash-again") != AS_AFTER)
                fail("can't be done again after two losses", first, first_kind, operation, kind);
        }
    }
}

/* The answers to the probe before and after the change, and how many operations it takes. */
static uint32_t run_without_cut(void)
{
    copy_folder(NULL, "flash-before");
    copy_folder(NULL, "flash-after");
    int channel[2];
    if (pipe(channel) != 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        start_or_end("flash-before");
        deploy(&packages[0]);
        if (preparation.bytes > 0)
            command(preparation.at, preparation.at + preparation.bytes);
        uint32_t counts[3] = { ask(), 0, 0 };
        memcpy(before, result, counts[0]);
        copy_folder("flash-before", "flash-after");
        port_files_open("flash-after");
        port_files_cut(0, CUT_BEFORE);
        change();
        counts[2] = port_files_operations();
        counts[1] = ask();
        bool is_written = write(channel[1], counts, sizeof counts) > 0 && write(channel[1], before, counts[0]) >= 0
            && write(channel[1], result, counts[1]) >= 0;
        _exit(is_written ? DONE : BROKEN);
    }
    uint32_t counts[3] = { 0, 0, 0 };
    ended(child);
    if (read(channel[0], counts, sizeof counts) != sizeof counts
        || read(channel[0], before, counts[0]) != (ssize_t)counts[0]
        || read(channel[0], after, counts[1]) != (ssize_t)counts[1])
        return 0;
    before_bytes = counts[0];
    after_bytes = counts[1];
    close(channel[0]);
    close(channel[1]);
    return counts[2];
}

static blob take_blob(const uint8_t **at)
{
    blob found = { *at + sizeof(uint32_t), 0 };
    memcpy(&found.bytes, *at, sizeof found.bytes);
    *at = found.at + found.bytes;
    return found;
}

uint32_t cut_everywhere(const uint8_t *in, uint32_t bytes, uint8_t *answer, uint32_t answer_bytes_max)
{
    (void)bytes;
    (void)answer_bytes_max;
    memcpy(&what, in, sizeof what);
    key = in + sizeof what;
    in = key + 32;
    module = take_blob(&in);
    probe = take_blob(&in);
    packages[0] = take_blob(&in);
    packages[1] = take_blob(&in);
    preparation = take_blob(&in);
    losses = second_losses = failures = 0;
    first_failure[0] = 0;
    uint32_t operations = run_without_cut();
    for (int kind = 0; kind < CUT_KINDS; kind++) {
        for (uint32_t operation = 1; operation <= operations; operation++) {
            copy_folder("flash-before", "flash-cut");
            int end = change_with_cut("flash-cut", operation, (port_cut)kind, false);
            losses++;
            copy_folder("flash-cut", "flash-seen");
            int seen = look("flash-seen");
            if (end != PORT_CUT_EXIT_CODE || (seen != AS_BEFORE && seen != AS_AFTER))
                fail("broken", operation, kind, 0, 0);
            cut_again(operation, kind, seen);
        }
    }
    uint32_t counts[4] = { operations, losses, second_losses, failures };
    memcpy(answer, counts, sizeof counts);
    strcpy((char *)answer + sizeof counts, first_failure);
    return (uint32_t)(sizeof counts + strlen(first_failure));
}
