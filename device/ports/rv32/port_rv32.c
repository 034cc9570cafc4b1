/* Bare metal rv32imc, the instruction set of the ESP32-C3, in qemu-system-riscv32 with semihosting. */
#include "port.h"

#include <semihost.h>
#include <stdbool.h>
#include <string.h>

#define PAGE_BYTES 256
#define LINEAR_BYTES_MAX 4096
/* Of qemu's board `virt`: mtime of the core-local interruptor. */
#define TIMER ((const volatile uint32_t *)0x0200bff8)
/* The deepest the watch looks; what WAMR's loader and interpreter need is a tenth of it. */
#define WATCHED_BYTES 16384
#define UNUSED_STACK 0xa5
/* The frame of port_stack_watch itself lies below its caller and must not be overwritten. */
#define WATCH_FRAME_BYTES 64

/*
 * The compiler's libraries are chosen by the plain instruction set, so this extension is named only where it is used.
 */
#define WITH_ZICSR(instruction) ".option push\n.option arch, +zicsr\n" instruction "\n.option pop"

/* The linker script's lowest address of the stack. */
extern uint8_t __heap_end[];

/* As much as any profile of the core has; the gate counts what the module asks for. */
static _Alignas(8) uint8_t linear_memory[LINEAR_BYTES_MAX];
static bool is_linear_memory_taken;
static uint8_t *watched_from;

void *port_map_memory(size_t bytes)
{
    if (bytes > sizeof linear_memory || is_linear_memory_taken)
        return NULL;
    is_linear_memory_taken = true;
    memset(linear_memory, 0, sizeof linear_memory);
    return linear_memory;
}

void port_unmap_memory(void *memory, size_t bytes)
{
    (void)bytes;
    if (memory == linear_memory)
        is_linear_memory_taken = false;
}

size_t port_page_bytes(void)
{
    return PAGE_BYTES;
}

uint8_t *port_stack_boundary(void)
{
    return __heap_end;
}

/* One task, no interrupts: nobody to be kept out, nobody to wait for. */
uintptr_t port_task(void)
{
    return 1;
}

void port_lock(void) {}

void port_unlock(void) {}

void port_wait(uint32_t milliseconds)
{
    (void)milliseconds;
}

void port_wake(void) {}

_Noreturn void port_fail(const char *reason)
{
    (void)reason;
    sys_semihost_exit_extended(4);
    __builtin_unreachable();
}

bool port_start_task(void (*run)(void *), void *argument)
{
    (void)run;
    (void)argument;
    return false;
}

void port_end_tasks(void) {}

/* The timer of the board counts at 10 MHz; its high half may change between two reads of the low one. */
uint64_t port_clock_us(void)
{
    uint32_t high;
    uint32_t low;
    do {
        high = TIMER[1];
        low = TIMER[0];
    } while (high != TIMER[1]);
    return ((uint64_t)high << 32 | low) / 10;
}

static int open_or_exit(const char *path, int mode)
{
    int file = sys_semihost_open(path, mode);
    if (file < 0)
        sys_semihost_exit_extended(2);
    return file;
}

/* A fault ends the program instead of running into whatever lies at address 0. */
__attribute__((aligned(4))) static void exit_on_fault(void)
{
    sys_semihost_exit_extended(3);
}

size_t port_read(void *target, size_t bytes)
{
    static int requests = -1;
    if (requests < 0) {
        __asm__ volatile(WITH_ZICSR("csrw mtvec, %0") : : "r"(exit_on_fault));
        requests = open_or_exit("requests.bin", SH_OPEN_R_B);
    }
    /* The call answers how many bytes it did not read. */
    return bytes - sys_semihost_read(requests, target, bytes);
}

void port_write(const void *source, size_t bytes)
{
    static int answers = -1;
    if (answers < 0)
        answers = open_or_exit("answers.bin", SH_OPEN_W_B);
    if (sys_semihost_write(answers, source, bytes) != 0)
        sys_semihost_exit_extended(2);
}

uint32_t port_instructions(void)
{
    uint32_t count;
    __asm__ volatile(WITH_ZICSR("csrr %0, instret") : "=r"(count));
    return count;
}

const uint8_t *port_stack_below(void)
{
    return __builtin_frame_address(0);
}

void port_stack_watch(void)
{
    uint8_t *top = __builtin_frame_address(0);
    volatile uint8_t *end = top - WATCH_FRAME_BYTES;
    for (volatile uint8_t *at = top - WATCHED_BYTES; at < end; at++)
        *at = UNUSED_STACK;
    watched_from = top;
}

uint32_t port_stack_used_bytes(void)
{
    const volatile uint8_t *at = watched_from - WATCHED_BYTES;
    while (at < watched_from && *at == UNUSED_STACK)
        at++;
    return (uint32_t)(watched_from - at);
}
