/* WAMR's platform layer over port.h. What WAMR allocates comes from the pool the sandbox gave it, never from here. */
#include "platform_api_vmcore.h"

#include "port.h"

int bh_platform_init(void)
{
    return 0;
}

void bh_platform_destroy(void) {}

/* Null: a pool that is too small must show at once, and not be made up for by a heap. */
void *os_malloc(unsigned size)
{
    (void)size;
    return NULL;
}

void *os_realloc(void *ptr, unsigned size)
{
    (void)ptr;
    (void)size;
    return NULL;
}

void os_free(void *ptr)
{
    (void)ptr;
}

/* Silent: what goes wrong is told by status codes, and text would cost flash. */
int os_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

int os_vprintf(const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
    return 0;
}

korp_tid os_self_thread(void)
{
    return 1;
}

uint8 *os_thread_get_stack_boundary(void)
{
    return port_stack_boundary();
}

void os_thread_jit_write_protect_np(bool enabled)
{
    (void)enabled;
}

int os_mutex_init(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_mutex_destroy(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_mutex_lock(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_mutex_unlock(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_getpagesize(void)
{
    return (int)port_page_bytes();
}

void *os_mmap(void *hint, size_t size, int prot, int flags, os_file_handle file)
{
    (void)hint;
    (void)prot;
    (void)flags;
    (void)file;
    return port_map_memory(size);
}

void os_munmap(void *addr, size_t size)
{
    port_unmap_memory(addr, size);
}

/* There is no protection to change. */
int os_mprotect(void *addr, size_t size, int prot)
{
    (void)addr;
    (void)size;
    (void)prot;
    return 0;
}

/* Never grown: modules with memory.grow are not admitted. */
void *os_mremap(void *old_addr, size_t old_size, size_t new_size)
{
    (void)old_addr;
    (void)old_size;
    (void)new_size;
    return NULL;
}

uint64 os_time_get_boot_us(void)
{
    return port_clock_us();
}

uint64 os_time_thread_cputime_us(void)
{
    return 0;
}

void os_dcache_flush(void) {}

void os_icache_flush(void *start, size_t len)
{
    (void)start;
    (void)len;
}
