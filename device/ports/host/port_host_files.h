/* Flash of the host: a folder, and losses of power by command. */
#ifndef PORT_HOST_FILES_H
#define PORT_HOST_FILES_H

#include <stdint.h>

/* What is left of the operation of flash in which power is lost. */
typedef enum {
    /* Nothing. */
    CUT_BEFORE = 0,
    /* Half of what was appended; of what can't be halved nothing. */
    CUT_IN_HALF = 1,
    /* All of it, but what was appended and not synced is gone. */
    CUT_UNSYNCED = 2,
    CUT_KINDS = 3,
} port_cut;

/* The exit code of a process that lost power. */
#define PORT_CUT_EXIT_CODE 77

/* Where the files are; it stays the caller's. */
void port_files_open(const char *folder);

/* Loses power in operation number `operation` from now on, counted from 1; 0 for never. */
void port_files_cut(uint32_t operation, port_cut kind);

/* Operations since port_files_cut: appends, syncs, renames, removals of what is there. */
uint32_t port_files_operations(void);

#endif
