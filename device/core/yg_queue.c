#include "yg_queue.h"

#include <string.h>

#include "port.h"

void yg_require_task(uintptr_t owner)
{
    if (port_task() != owner)
        port_fail("the runtime was used by a task that doesn't own it");
}

void yg_queue_open(yg_queue *queue, uint8_t *memory, uint32_t slot_bytes, uint32_t slot_count)
{
    *queue = (yg_queue){ .slots = memory, .slot_bytes = slot_bytes, .slot_count = slot_count, .owner = port_task() };
}

yg_status yg_queue_put(yg_queue *queue, const void *message, uint32_t bytes)
{
    if (bytes > queue->slot_bytes - YG_QUEUE_SLOT_OVERHEAD)
        return YG_OUT_OF_RANGE;
    yg_status status = YG_QUEUE_FULL;
    port_lock();
    if (queue->used < queue->slot_count) {
        uint32_t index = (queue->first + queue->used) % queue->slot_count;
        uint8_t *slot = queue->slots + index * queue->slot_bytes;
        memcpy(slot, &bytes, sizeof bytes);
        if (bytes > 0)
            memcpy(slot + YG_QUEUE_SLOT_OVERHEAD, message, bytes);
        queue->used++;
        status = YG_OK;
    }
    port_unlock();
    if (status == YG_OK)
        port_wake();
    return status;
}

static yg_status take(yg_queue *queue, void *message, uint32_t *bytes)
{
    yg_status status = YG_EMPTY;
    port_lock();
    if (queue->used > 0) {
        const uint8_t *slot = queue->slots + queue->first * queue->slot_bytes;
        memcpy(bytes, slot, sizeof *bytes);
        if (*bytes > 0)
            memcpy(message, slot + YG_QUEUE_SLOT_OVERHEAD, *bytes);
        queue->first = (queue->first + 1) % queue->slot_count;
        queue->used--;
        status = YG_OK;
    }
    port_unlock();
    return status;
}

yg_status yg_queue_take(yg_queue *queue, void *message, uint32_t *bytes, uint32_t milliseconds_max)
{
    yg_require_task(queue->owner);
    uint64_t until_us = port_clock_us() + (uint64_t)milliseconds_max * 1000u;
    for (;;) {
        yg_status status = take(queue, message, bytes);
        uint64_t now_us = port_clock_us();
        if (status == YG_OK || now_us >= until_us)
            return status;
        port_wait((uint32_t)((until_us - now_us + 999u) / 1000u));
    }
}
