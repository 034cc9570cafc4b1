#include "runner_probes.h"

#include <string.h>

#include "port.h"
#include "yg_queue.h"

#define TASKS_MAX 8u
#define SLOTS 8u
#define SLOT_BYTES (YG_QUEUE_SLOT_OVERHEAD + 8u)
/* More than any port gives a task's stack. */
#define STACK_BYTES_MAX (64u * 1024u * 1024u)
#define WAIT_MS_MAX 10000u

static uint8_t harness_unmapped[YG_CORE_MEMORY_BYTES];
static uint8_t harness_slots[SLOTS * SLOT_BYTES];
static yg_queue harness_queue;
static uint32_t harness_messages;
static uint32_t harness_numbers[TASKS_MAX];

static uint32_t harness_mapped_bytes;

void *__real_port_map_memory(size_t bytes);
void *__wrap_port_map_memory(size_t bytes);
void __real_port_unmap_memory(void *memory, size_t bytes);
void __wrap_port_unmap_memory(void *memory, size_t bytes);

/* The linker puts these two in front of the port's functions. */
void *__wrap_port_map_memory(size_t bytes)
{
    harness_mapped_bytes = (uint32_t)bytes;
    return __real_port_map_memory(bytes);
}

void __wrap_port_unmap_memory(void *memory, size_t bytes)
{
    if (memory != NULL)
        memcpy(harness_unmapped, memory, bytes < sizeof harness_unmapped ? bytes : sizeof harness_unmapped);
    __real_port_unmap_memory(memory, bytes);
}

uint32_t probe_mapped_bytes(void)
{
    return harness_mapped_bytes;
}

uint32_t probe_count(const uint8_t *from, const uint8_t *to, const uint8_t *needle, uint32_t bytes)
{
    uint32_t found = 0;
    for (const uint8_t *at = from; at + bytes <= to; at++)
        found += memcmp(at, needle, bytes) == 0;
    return found;
}

uint32_t probe_count_unmapped(const uint8_t *needle, uint32_t bytes)
{
    return probe_count(harness_unmapped, harness_unmapped + sizeof harness_unmapped, needle, bytes);
}

static bool is_boundary_right(void)
{
    const uint8_t *frame = __builtin_frame_address(0);
    const uint8_t *boundary = port_stack_boundary();
    return (uintptr_t)frame > (uintptr_t)boundary && (uintptr_t)frame - (uintptr_t)boundary < STACK_BYTES_MAX;
}

/* Sends its number, counting messages, and in the highest bit whether its stack's boundary is wrong. */
static void send_messages(void *argument)
{
    uint32_t number = *(const uint32_t *)argument | (is_boundary_right() ? 0 : 0x80000000u);
    for (uint32_t i = 0; i < harness_messages; i++) {
        uint32_t message[2] = { number, i };
        while (yg_queue_put(&harness_queue, message, sizeof message) == YG_QUEUE_FULL) {
            /* Until there is room. Only the owner waits in port_wait, or it would miss what it is woken for. */
        }
    }
}

yg_status probe_tasks(uint32_t tasks, uint32_t messages, probe_tasks_result *result)
{
    uint32_t next[TASKS_MAX] = { 0 };
    memset(result, 0, sizeof *result);
    if (tasks > TASKS_MAX)
        return YG_OUT_OF_RANGE;
    yg_queue_open(&harness_queue, harness_slots, SLOT_BYTES, SLOTS);
    harness_messages = messages;
    for (uint32_t i = 0; i < tasks; i++) {
        harness_numbers[i] = i;
        if (!port_start_task(send_messages, &harness_numbers[i]))
            return YG_UNKNOWN_OPERATION;
    }
    for (uint32_t i = 0; i < tasks * messages; i++) {
        uint32_t message[2];
        uint32_t bytes = 0;
        if (yg_queue_take(&harness_queue, message, &bytes, WAIT_MS_MAX) != YG_OK || bytes != sizeof message)
            break;
        uint32_t sender = message[0] & 0x7fffffffu;
        result->taken++;
        result->out_of_order += message[1] != next[sender]++;
        result->wrong_boundaries += message[1] == 0 && message[0] != sender;
    }
    port_end_tasks();
    return YG_OK;
}

static void use_core(void *argument)
{
    uint8_t digest[YG_DIGEST_BYTES] = { 0 };
    yg_core_sha256(argument, digest, 0, digest);
}

yg_status probe_foreign_task(yg_core *core)
{
    if (!port_start_task(use_core, core))
        return YG_UNKNOWN_OPERATION;
    port_end_tasks();
    return YG_OK;
}
