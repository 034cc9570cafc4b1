#include "port_host_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port.h"

#define PATH_BYTES 512

static const char *root = ".";
static uint32_t operations;
static uint32_t cut_at;
static port_cut cut_kind;
/* The file with an append that wasn't synced, and how long it is without it. */
static char unsynced[PORT_FILE_NAME_BYTES];
static off_t synced_bytes;

void port_files_open(const char *folder)
{
    root = folder;
}

void port_files_cut(uint32_t operation, port_cut kind)
{
    operations = 0;
    cut_at = operation;
    cut_kind = kind;
}

uint32_t port_files_operations(void)
{
    return operations;
}

static const char *path_of(const char *name)
{
    static char paths[2][PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, PATH_BYTES, "%s/%s", root, name);
    return path;
}

/* What the operating system had in its cache only is gone. */
static _Noreturn void lose_power(void)
{
    if (cut_kind == CUT_UNSYNCED && unsynced[0] != 0 && truncate(path_of(unsynced), synced_bytes) != 0)
        perror(unsynced);
    _exit(PORT_CUT_EXIT_CODE);
}

/* Counts an operation. True when power is lost in it, and something of it is left. */
static bool is_cut(void)
{
    operations++;
    if (operations != cut_at)
        return false;
    if (cut_kind == CUT_BEFORE)
        lose_power();
    return true;
}

static bool sync_path(const char *path, int flags)
{
    int file = open(path, flags);
    bool is_synced = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    return is_synced;
}

static bool append(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "ab");
    if (file == NULL)
        return false;
    bool is_written = fwrite(data, 1, bytes, file) == bytes;
    return fclose(file) == 0 && is_written;
}

bool port_file_append(const char *name, const void *data, size_t bytes)
{
    const char *path = path_of(name);
    if (strcmp(unsynced, name) != 0) {
        snprintf(unsynced, sizeof unsynced, "%s", name);
        FILE *file = fopen(path, "rb");
        synced_bytes = 0;
        if (file != NULL) {
            fseek(file, 0, SEEK_END);
            synced_bytes = ftell(file);
            fclose(file);
        }
    }
    bool is_losing = is_cut();
    bool is_written = append(path, data, is_losing && cut_kind == CUT_IN_HALF ? bytes / 2 : bytes);
    if (is_losing)
        lose_power();
    return is_written;
}

bool port_file_sync(const char *name)
{
    if (is_cut())
        lose_power();
    bool is_synced = sync_path(path_of(name), O_RDONLY) && sync_path(root, O_RDONLY | O_DIRECTORY);
    if (is_synced && strcmp(unsynced, name) == 0)
        unsynced[0] = 0;
    return is_synced;
}

bool port_file_rename(const char *from, const char *to)
{
    bool is_losing = is_cut();
    bool is_done = (is_losing && cut_kind == CUT_IN_HALF) || rename(path_of(from), path_of(to)) == 0;
    if (is_done && strcmp(unsynced, from) == 0)
        snprintf(unsynced, sizeof unsynced, "%s", to);
    if (is_losing)
        lose_power();
    return is_done && sync_path(root, O_RDONLY | O_DIRECTORY);
}

bool port_file_remove(const char *name)
{
    if (access(path_of(name), F_OK) != 0)
        return true;
    bool is_losing = is_cut();
    bool is_done = (is_losing && cut_kind == CUT_IN_HALF) || unlink(path_of(name)) == 0;
    if (is_losing)
        lose_power();
    if (strcmp(unsynced, name) == 0)
        unsynced[0] = 0;
    return is_done && sync_path(root, O_RDONLY | O_DIRECTORY);
}

int32_t port_file_read(const char *name, uint32_t offset, void *data, uint32_t bytes)
{
    FILE *file = fopen(path_of(name), "rb");
    if (file == NULL)
        return -1;
    size_t count = fseek(file, (long)offset, SEEK_SET) == 0 ? fread(data, 1, bytes, file) : 0;
    fclose(file);
    return (int32_t)count;
}

bool port_file_name(uint32_t index, char name[PORT_FILE_NAME_BYTES])
{
    DIR *folder = opendir(root);
    bool is_there = false;
    if (folder == NULL)
        return false;
    for (struct dirent *entry = readdir(folder); entry != NULL && !is_there; entry = readdir(folder)) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= PORT_FILE_NAME_BYTES)
            continue;
        is_there = index-- == 0;
        if (is_there)
            strcpy(name, entry->d_name);
    }
    closedir(folder);
    return is_there;
}
