/*
 * Scripts on flash: `<name>.ygs` is a package (head and module), `<name>.kv` what its script keeps and whether it was
 * stopped, `incoming.part` the one upload. A package and a `.kv` are replaced by renaming a whole, synced file, so that
 * after a loss of power the old one is there or the new one.
 */
#ifndef YG_STORE_H
#define YG_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_manifest.h"

#define YG_SCRIPTS_MAX 4u
#define YG_STORED_MAX 8u

/* Removes what a loss of power left: halves of files, and what was kept by scripts that are gone. False when flash refuses. */
bool yg_store_open(void);

/* The names of the scripts, at most YG_SCRIPTS_MAX. Returns how many. */
uint32_t yg_store_list(char names[YG_SCRIPTS_MAX][YG_SCRIPT_NAME_BYTES]);

/* Reads a package into `package`, of YG_HEAD_BYTES + YG_SCRIPT_MODULE_BYTES_MAX. Returns its bytes, -1 where there is none. */
int32_t yg_store_read(const char *name, uint8_t *package);

/* The same for the upload. */
int32_t yg_store_read_incoming(uint8_t *package);

/* Bytes of the upload's module that are there, -1 where nothing was begun; its head is written to `head`. */
int32_t yg_store_incoming(uint8_t head[YG_HEAD_BYTES]);

/* Begins an upload in place of another. */
bool yg_store_begin(const uint8_t head[YG_HEAD_BYTES]);

/* Adds the next part of the module; it lasts when this returns. */
bool yg_store_add(const uint8_t *data, uint32_t bytes);

/* Forgets the upload. */
bool yg_store_drop(void);

/* Makes the upload the script of this name, in one step. */
bool yg_store_install(const char *name);

/* Removes a script, then what it kept. */
bool yg_store_remove(const char *name);

/* Whether it was stopped by a command. */
bool yg_store_is_stopped(const char *name);
bool yg_store_set_stopped(const char *name, bool is_stopped);

/* A number that a script keeps; false where there is none under this key. */
bool yg_store_get(const char *name, const char *key, double *value);

/* Keeps a number. A status of yg_natives.h: OUT_OF_RANGE for the ninth, LIMIT when flash refuses. */
uint32_t yg_store_set(const char *name, const char *key, double value);

#endif
