/*
 * Messages of any task to the one that owns the runtime. A fixed number of slots of a fixed size, in memory of the caller's;
 * a message is copied in and out, so nobody waits for anybody and nothing is shared.
 */
#ifndef YG_QUEUE_H
#define YG_QUEUE_H

#include <stdint.h>

#include "yg_status.h"

/* Bytes that a slot needs beside its message. */
#define YG_QUEUE_SLOT_OVERHEAD 4u

typedef struct {
    uint8_t *slots;
    uint32_t slot_bytes;
    uint32_t slot_count;
    uint32_t first;
    uint32_t used;
    uintptr_t owner;
} yg_queue;

/*
 * Makes an empty queue that belongs to the calling task. Its memory has room for `slot_count` messages of up to
 * `slot_bytes - YG_QUEUE_SLOT_OVERHEAD` bytes, and stays as long as the queue.
 */
void yg_queue_open(yg_queue *queue, uint8_t *memory, uint32_t slot_bytes, uint32_t slot_count);

/*
 * Puts a message behind the others and wakes the owner; from any task, not from an interrupt. YG_OUT_OF_RANGE when it is
 * longer than a slot, YG_QUEUE_FULL when there is no slot: the sender says so to whoever asked, or drops it.
 */
yg_status yg_queue_put(yg_queue *queue, const void *message, uint32_t bytes);

/*
 * Takes the oldest message, only in the owner; waits for one for at most so many milliseconds. `message` has room for a
 * whole one. YG_EMPTY when none came.
 */
yg_status yg_queue_take(yg_queue *queue, void *message, uint32_t *bytes, uint32_t milliseconds_max);

/* Stops the program unless the calling task is `owner`: a message would have been the way. */
void yg_require_task(uintptr_t owner);

#endif
