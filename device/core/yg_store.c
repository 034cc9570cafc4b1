#include "yg_store.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "port.h"
#include "yg_natives.h"
#include "yg_script.h"

#define INCOMING "incoming.part"
/* Of it comes what replaces another file; one that is found at the start was never finished. */
#define UNFINISHED "unfinished.new"
#define FILES_MAX 32u
#define KEPT_MAGIC 0x31564b59u

/* The content of a `.kv`. */
typedef struct {
    uint32_t magic;
    uint32_t is_stopped;
    uint32_t count;
    uint32_t reserved;
    yg_named_number numbers[YG_STORED_MAX];
} kept;

static void file_name(char name[PORT_FILE_NAME_BYTES], const char *script, const char *ending)
{
    snprintf(name, PORT_FILE_NAME_BYTES, "%s%s", script, ending);
}

/* Whether a file is `<script>ending`; then writes the script's name. */
static bool is_of_script(const char *file, const char *ending, char script[YG_SCRIPT_NAME_BYTES])
{
    size_t length = strlen(file);
    size_t ending_length = strlen(ending);
    if (length <= ending_length || length - ending_length >= YG_SCRIPT_NAME_BYTES
        || strcmp(file + length - ending_length, ending) != 0)
        return false;
    memcpy(script, file, length - ending_length);
    script[length - ending_length] = 0;
    return yg_is_script_name(script);
}

static bool is_there(const char *name)
{
    uint8_t byte;
    return port_file_read(name, 0, &byte, 1) >= 0;
}

/* Writes a file as a whole: it is there after this, or what was there before. */
static bool replace(const char *name, const void *data, uint32_t bytes)
{
    return port_file_remove(UNFINISHED) && port_file_append(UNFINISHED, data, bytes) && port_file_sync(UNFINISHED)
        && port_file_rename(UNFINISHED, name);
}

bool yg_store_open(void)
{
    static char names[FILES_MAX][PORT_FILE_NAME_BYTES];
    uint32_t count = 0;
    bool is_clean = true;
    while (count < FILES_MAX && port_file_name(count, names[count]))
        count++;
    for (uint32_t i = 0; i < count; i++) {
        char script[YG_SCRIPT_NAME_BYTES];
        char package[PORT_FILE_NAME_BYTES];
        if (strcmp(names[i], UNFINISHED) == 0) {
            is_clean = port_file_remove(names[i]) && is_clean;
        } else if (is_of_script(names[i], ".kv", script)) {
            file_name(package, script, ".ygs");
            if (!is_there(package))
                is_clean = port_file_remove(names[i]) && is_clean;
        }
    }
    return is_clean;
}

uint32_t yg_store_list(char names[YG_SCRIPTS_MAX][YG_SCRIPT_NAME_BYTES])
{
    char file[PORT_FILE_NAME_BYTES];
    uint32_t count = 0;
    for (uint32_t i = 0; count < YG_SCRIPTS_MAX && port_file_name(i, file); i++)
        if (is_of_script(file, ".ygs", names[count]))
            count++;
    return count;
}

int32_t yg_store_read(const char *name, uint8_t *package)
{
    char file[PORT_FILE_NAME_BYTES];
    file_name(file, name, ".ygs");
    return port_file_read(file, 0, package, YG_HEAD_BYTES + YG_SCRIPT_MODULE_BYTES_MAX);
}

int32_t yg_store_read_incoming(uint8_t *package)
{
    return port_file_read(INCOMING, 0, package, YG_HEAD_BYTES + YG_SCRIPT_MODULE_BYTES_MAX);
}

int32_t yg_store_incoming(uint8_t head[YG_HEAD_BYTES])
{
    uint8_t part[128];
    int32_t bytes = 0;
    if (port_file_read(INCOMING, 0, head, YG_HEAD_BYTES) < (int32_t)YG_HEAD_BYTES)
        return -1;
    for (;;) {
        int32_t count = port_file_read(INCOMING, YG_HEAD_BYTES + (uint32_t)bytes, part, sizeof part);
        if (count <= 0)
            return bytes;
        bytes += count;
    }
}

bool yg_store_begin(const uint8_t head[YG_HEAD_BYTES])
{
    return replace(INCOMING, head, YG_HEAD_BYTES);
}

bool yg_store_add(const uint8_t *data, uint32_t bytes)
{
    return port_file_append(INCOMING, data, bytes) && port_file_sync(INCOMING);
}

bool yg_store_drop(void)
{
    return port_file_remove(INCOMING);
}

bool yg_store_install(const char *name)
{
    char file[PORT_FILE_NAME_BYTES];
    file_name(file, name, ".ygs");
    return port_file_rename(INCOMING, file);
}

bool yg_store_remove(const char *name)
{
    char package[PORT_FILE_NAME_BYTES];
    char numbers[PORT_FILE_NAME_BYTES];
    file_name(package, name, ".ygs");
    file_name(numbers, name, ".kv");
    return port_file_remove(package) && port_file_remove(numbers);
}

/* What can't be read counts as nothing kept. */
static void read_kept(const char *name, kept *found)
{
    char file[PORT_FILE_NAME_BYTES];
    file_name(file, name, ".kv");
    if (port_file_read(file, 0, found, sizeof *found) != (int32_t)sizeof *found || found->magic != KEPT_MAGIC
        || found->count > YG_STORED_MAX) {
        memset(found, 0, sizeof *found);
        found->magic = KEPT_MAGIC;
    }
}

static bool write_kept(const char *name, const kept *content)
{
    char file[PORT_FILE_NAME_BYTES];
    file_name(file, name, ".kv");
    return replace(file, content, sizeof *content);
}

bool yg_store_is_stopped(const char *name)
{
    kept found;
    read_kept(name, &found);
    return found.is_stopped != 0;
}

bool yg_store_set_stopped(const char *name, bool is_stopped)
{
    kept found;
    read_kept(name, &found);
    if ((found.is_stopped != 0) == is_stopped)
        return true;
    found.is_stopped = is_stopped;
    return write_kept(name, &found);
}

static yg_named_number *find(kept *found, const char *key)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (strncmp(found->numbers[i].name, key, YG_TEXT_BYTES) == 0)
            return &found->numbers[i];
    return NULL;
}

bool yg_store_get(const char *name, const char *key, double *value)
{
    kept found;
    read_kept(name, &found);
    const yg_named_number *number = find(&found, key);
    if (number != NULL)
        *value = number->value;
    return number != NULL;
}

uint32_t yg_store_set(const char *name, const char *key, double value)
{
    kept found;
    read_kept(name, &found);
    yg_named_number *number = find(&found, key);
    if (number == NULL) {
        if (found.count == YG_STORED_MAX)
            return YG_NATIVE_OUT_OF_RANGE;
        number = &found.numbers[found.count++];
        snprintf(number->name, sizeof number->name, "%s", key);
    }
    number->value = value;
    return write_kept(name, &found) ? YG_NATIVE_OK : YG_NATIVE_LIMIT;
}
