/*
 * Flash as files, in NVS. A file is parts, an entry of NVS each, and a line of the directory, which is one entry: NVS replaces an entry as a
 * whole or not at all, so that what the directory says after a loss of power is one state or the other. Parts that no line knows are
 * written over, or erased when their number is given to another file.
 */
#include <stdio.h>
#include <string.h>

#include "nvs.h"
#include "port.h"
#include "port_esp.h"

#define NAMESPACE "yg_files"
#define DIRECTORY "dir"
#define FILES_MAX 16u
#define PARTS_MAX 32u
#define KEY_BYTES 16
#define PART_BYTES_MAX 2048u

typedef struct {
    char name[PORT_FILE_NAME_BYTES];
    uint32_t parts;
} file_line;

/* The number of a line is that of its parts, too. */
typedef struct {
    file_line files[FILES_MAX];
} file_directory;

static nvs_handle_t nvs;
static file_directory directory;

static void part_key(char key[KEY_BYTES], uint32_t file, uint32_t part)
{
    snprintf(key, KEY_BYTES, "p%u.%u", (unsigned)file, (unsigned)part);
}

/* Makes a directory the one that holds. False when flash refuses: then the one before does. */
static bool keep(const file_directory *next)
{
    if (nvs_set_blob(nvs, DIRECTORY, next, sizeof *next) != ESP_OK || nvs_commit(nvs) != ESP_OK)
        return false;
    directory = *next;
    return true;
}

static uint32_t find(const file_directory *in, const char *name)
{
    uint32_t file = 0;
    while (file < FILES_MAX && strcmp(in->files[file].name, name) != 0)
        file++;
    return file;
}

/* Erases what may be there of parts from `first` on. That some of them stay does no harm but use room. */
static void erase_parts(uint32_t file, uint32_t first)
{
    char key[KEY_BYTES];
    for (uint32_t part = first; part < PARTS_MAX; part++) {
        part_key(key, file, part);
        if (nvs_erase_key(nvs, key) != ESP_OK)
            break;
    }
    nvs_commit(nvs);
}

bool port_esp_files_open(void)
{
    size_t bytes = sizeof directory;
    if (nvs_open(NAMESPACE, NVS_READWRITE, &nvs) != ESP_OK)
        return false;
    esp_err_t error = nvs_get_blob(nvs, DIRECTORY, &directory, &bytes);
    if (error == ESP_OK && bytes == sizeof directory)
        return true;
    memset(&directory, 0, sizeof directory);
    return error == ESP_ERR_NVS_NOT_FOUND;
}

bool port_file_append(const char *name, const void *data, size_t bytes)
{
    char key[KEY_BYTES];
    uint32_t file = find(&directory, name);
    if (bytes == 0 || bytes > PART_BYTES_MAX)
        return bytes == 0;
    if (file == FILES_MAX) {
        file = find(&directory, "");
        if (file == FILES_MAX || strlen(name) >= PORT_FILE_NAME_BYTES)
            return false;
        erase_parts(file, 0);
    }
    file_line *line = &directory.files[file];
    if (line->parts == PARTS_MAX)
        return false;
    part_key(key, file, line->parts);
    if (nvs_set_blob(nvs, key, data, bytes) != ESP_OK)
        return false;
    /* In memory: the directory is written when the file is synced. */
    strcpy(line->name, name);
    line->parts++;
    return true;
}

bool port_file_sync(const char *name)
{
    const file_directory next = directory;
    return find(&directory, name) < FILES_MAX && keep(&next);
}

bool port_file_rename(const char *from, const char *to)
{
    file_directory next = directory;
    uint32_t file = find(&next, from);
    uint32_t before = find(&next, to);
    if (file == FILES_MAX || strlen(to) >= PORT_FILE_NAME_BYTES)
        return false;
    if (before < FILES_MAX)
        memset(&next.files[before], 0, sizeof next.files[before]);
    memset(next.files[file].name, 0, sizeof next.files[file].name);
    strcpy(next.files[file].name, to);
    if (!keep(&next))
        return false;
    if (before < FILES_MAX)
        erase_parts(before, 0);
    return true;
}

bool port_file_remove(const char *name)
{
    file_directory next = directory;
    uint32_t file = find(&next, name);
    if (file == FILES_MAX)
        return true;
    memset(&next.files[file], 0, sizeof next.files[file]);
    if (!keep(&next))
        return false;
    erase_parts(file, 0);
    return true;
}

int32_t port_file_read(const char *name, uint32_t offset, void *data, uint32_t bytes)
{
    static uint8_t content[PART_BYTES_MAX];
    char key[KEY_BYTES];
    uint32_t file = find(&directory, name);
    uint32_t done = 0;
    if (file == FILES_MAX)
        return -1;
    uint32_t begins = 0;
    for (uint32_t part = 0; part < directory.files[file].parts && done < bytes; part++) {
        size_t count = sizeof content;
        part_key(key, file, part);
        if (nvs_get_blob(nvs, key, content, &count) != ESP_OK)
            return -1;
        uint32_t ends = begins + (uint32_t)count;
        uint32_t at = offset + done;
        if (at < ends) {
            uint32_t taken = ends - at < bytes - done ? ends - at : bytes - done;
            memcpy((uint8_t *)data + done, content + (at - begins), taken);
            done += taken;
        }
        begins = ends;
    }
    return (int32_t)done;
}

bool port_file_name(uint32_t index, char name[PORT_FILE_NAME_BYTES])
{
    for (uint32_t file = 0; file < FILES_MAX; file++)
        if (directory.files[file].name[0] != 0 && index-- == 0) {
            memcpy(name, directory.files[file].name, PORT_FILE_NAME_BYTES);
            return true;
        }
    return false;
}
