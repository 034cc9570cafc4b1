/* Flash as files, in memory: for losses of power by the thousand, and for fuzzing. What port_host_files.h is for a folder. */
#ifndef MEMORY_FILES_H
#define MEMORY_FILES_H

#include <stdint.h>

#include "port.h"

#ifndef MEMORY_FILE_BYTES
#define MEMORY_FILES 12
#define MEMORY_FILE_BYTES 20480
#endif

typedef struct {
    char name[PORT_FILE_NAME_BYTES];
    uint32_t bytes;
    /* What lasts over a loss of power that takes what wasn't synced. */
    uint32_t synced_bytes;
    uint8_t content[MEMORY_FILE_BYTES];
} memory_file;

typedef struct {
    memory_file files[MEMORY_FILES];
} memory_flash;

/* The kinds of a loss are those of port_host_files.h. */
typedef enum { MEMORY_CUT_BEFORE, MEMORY_CUT_IN_HALF, MEMORY_CUT_UNSYNCED, MEMORY_CUT_KINDS } memory_cut;

/* Reads flash as it is when the device starts; where that is files in memory, there is nothing to read. */
void memory_files_start(void);

/* All files there are. */
extern memory_flash memory_files;

/*
 * Loses power in operation number `operation` from now on, counted from 1, 0 for never: `lost` is called and must not return. Sets the count of operations
 * to 0.
 */
void memory_files_cut(uint32_t operation, memory_cut kind, void (*lost)(void));
uint32_t memory_files_operations(void);

#endif
