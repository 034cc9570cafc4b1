/* Forgetting what nobody may read again. */
#ifndef YG_WIPE_H
#define YG_WIPE_H

#include <stddef.h>
#include <stdint.h>

/* Overwrites memory with zeros. No compiler may leave these writes out, although nobody reads them. */
static inline void yg_wipe(void *memory, size_t bytes)
{
    volatile uint8_t *at = memory;
    while (bytes-- > 0)
        *at++ = 0;
}

#endif
