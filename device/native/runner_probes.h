/* What tests look at that isn't a function of the core: memory that was left behind, and tasks. */
#ifndef RUNNER_PROBES_H
#define RUNNER_PROBES_H

#include <stdint.h>

#include "yg_core.h"

/* Bytes of linear memory that were asked for last. */
uint32_t probe_mapped_bytes(void);

/* How often bytes are in some memory. */
uint32_t probe_count(const uint8_t *from, const uint8_t *to, const uint8_t *needle, uint32_t bytes);

/* The same in the linear memory that was given back last. */
uint32_t probe_count_unmapped(const uint8_t *needle, uint32_t bytes);

/* What became of messages that several tasks sent at once. */
typedef struct {
    uint32_t taken;
    /* Those that didn't follow the one before them of the same sender. */
    uint32_t out_of_order;
    /* Tasks whose own variables don't lie above their stack's boundary, or lie far from it. */
    uint32_t wrong_boundaries;
} probe_tasks_result;

/*
 * Each of so many other tasks sends so many messages through a queue of eight slots to the calling one.
 * YG_UNKNOWN_OPERATION on a port with one task.
 */
yg_status probe_tasks(uint32_t tasks, uint32_t messages, probe_tasks_result *result);

/* Uses the core in another task, which must end the program. */
yg_status probe_foreign_task(yg_core *core);

#endif
