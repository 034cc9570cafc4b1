/*
 * What a device uses: its processor, its connection and the runtime's pool, minute by minute. Readings above the bytes of a minute
 * are held back; answers never are.
 */
#ifndef YG_MONITOR_H
#define YG_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_payload.h"

typedef struct {
    uint32_t minute_began_ms;
    uint64_t busy_us;
    uint32_t bytes_this_minute;
    /* Of the minute before. */
    uint32_t cpu_permille;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint32_t held_back;
    uint32_t connections;
    /* Bytes of the pool, and those that were used when most were. */
    uint32_t pool_bytes;
    uint32_t pool_used_most;
    bool is_pool_warned;
} yg_monitor;

/* Begins a new minute when one is over. */
void yg_monitor_tick(yg_monitor *monitor, uint32_t now_ms);

/* Notes the runtime's pool. True once, when more of it is used than so many percent, until it is less again. */
bool yg_monitor_pool(yg_monitor *monitor, uint32_t pool_bytes, uint32_t used_bytes, uint32_t warning_percent);

/* Whether a reading of so many bytes may still be sent in this minute; one that may not is counted. */
bool yg_monitor_may_send(yg_monitor *monitor, uint32_t bytes, uint32_t bytes_per_minute);

/* The values of `monitor.get`. */
void yg_monitor_write(const yg_monitor *monitor, yg_result *result);

#endif
