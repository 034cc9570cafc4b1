#include "memory_files.h"

#include <string.h>

memory_flash memory_files;

static uint32_t operations;
static uint32_t cut_at;
static memory_cut kind_of_cut;
static void (*when_lost)(void);

void memory_files_cut(uint32_t operation, memory_cut kind, void (*lost)(void))
{
    operations = 0;
    cut_at = operation;
    kind_of_cut = kind;
    when_lost = lost;
}

void memory_files_start(void) {}

uint32_t memory_files_operations(void)
{
    return operations;
}

static memory_file *find(const char *name)
{
    for (int i = 0; i < MEMORY_FILES; i++)
        if (strcmp(memory_files.files[i].name, name) == 0)
            return &memory_files.files[i];
    return NULL;
}

static void lose_power(void)
{
    for (int i = 0; i < MEMORY_FILES && kind_of_cut == MEMORY_CUT_UNSYNCED; i++)
        memory_files.files[i].bytes = memory_files.files[i].synced_bytes;
    when_lost();
}

/* Counts an operation. True when power is lost in it, and something of it is left. */
static bool is_cut(void)
{
    operations++;
    if (operations != cut_at)
        return false;
    if (kind_of_cut == MEMORY_CUT_BEFORE)
        lose_power();
    return true;
}

bool port_file_append(const char *name, const void *data, size_t bytes)
{
    bool is_losing = is_cut();
    size_t count = is_losing && kind_of_cut == MEMORY_CUT_IN_HALF ? bytes / 2 : bytes;
    memory_file *file = find(name);
    if (file == NULL) {
        file = find("");
        if (file == NULL)
            return false;
        memset(file, 0, sizeof *file);
        strncpy(file->name, name, sizeof file->name - 1);
    }
    if (count > MEMORY_FILE_BYTES - file->bytes)
        return false;
    memcpy(file->content + file->bytes, data, count);
    file->bytes += (uint32_t)count;
    if (is_losing)
        lose_power();
    return true;
}

bool port_file_sync(const char *name)
{
    memory_file *file = find(name);
    if (is_cut())
        lose_power();
    if (file != NULL)
        file->synced_bytes = file->bytes;
    return file != NULL;
}

bool port_file_rename(const char *from, const char *to)
{
    bool is_losing = is_cut();
    memory_file *file = find(from);
    memory_file *before = find(to);
    if (file == NULL)
        return false;
    if (!is_losing || kind_of_cut != MEMORY_CUT_IN_HALF) {
        if (before != NULL)
            memset(before, 0, sizeof *before);
        memset(file->name, 0, sizeof file->name);
        strncpy(file->name, to, sizeof file->name - 1);
    }
    if (is_losing)
        lose_power();
    return true;
}

bool port_file_remove(const char *name)
{
    memory_file *file = find(name);
    if (file == NULL)
        return true;
    bool is_losing = is_cut();
    if (!is_losing || kind_of_cut != MEMORY_CUT_IN_HALF)
        memset(file, 0, sizeof *file);
    if (is_losing)
        lose_power();
    return true;
}

int32_t port_file_read(const char *name, uint32_t offset, void *data, uint32_t bytes)
{
    const memory_file *file = find(name);
    if (file == NULL)
        return -1;
    if (offset >= file->bytes)
        return 0;
    uint32_t count = bytes < file->bytes - offset ? bytes : file->bytes - offset;
    memcpy(data, file->content + offset, count);
    return (int32_t)count;
}

bool port_file_name(uint32_t index, char name[PORT_FILE_NAME_BYTES])
{
    for (int i = 0; i < MEMORY_FILES; i++)
        if (memory_files.files[i].name[0] != 0 && index-- == 0) {
            memcpy(name, memory_files.files[i].name, PORT_FILE_NAME_BYTES);
            return true;
        }
    return false;
}
