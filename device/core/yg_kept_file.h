/* A small file that is replaced as a whole, and known to be whole by a checksum: after a loss of power the old one is there or the new one. */
#ifndef YG_KEPT_FILE_H
#define YG_KEPT_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Replaces a file by these bytes. False when flash refuses: what was there is still there. */
bool yg_kept_write(const char *name, const void *data, uint32_t bytes);

/* Reads a file of at most so many bytes. Returns how many; -1 where there is none, or it isn't whole. */
int32_t yg_kept_read(const char *name, void *data, uint32_t bytes_max);

#endif
