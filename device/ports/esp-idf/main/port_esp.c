/* The runtime's port for ESP-IDF: memory of the heap, tasks of FreeRTOS. Only calls, no decisions. */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "esp_random.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "port_esp.h"

#define PAGE_BYTES 256
/* Before this the clock was never set: it begins at 1970 with every start. */
#define CLOCK_SET_SECONDS 1700000000

static SemaphoreHandle_t mutex;
static SemaphoreHandle_t woken;

bool port_esp_start(void)
{
    mutex = xSemaphoreCreateMutex();
    woken = xSemaphoreCreateBinary();
    return mutex != NULL && woken != NULL;
}

void *port_map_memory(size_t bytes)
{
    return calloc(1, bytes);
}

void port_unmap_memory(void *memory, size_t bytes)
{
    (void)bytes;
    free(memory);
}

size_t port_page_bytes(void)
{
    return PAGE_BYTES;
}

uintptr_t port_task(void)
{
    return (uintptr_t)xTaskGetCurrentTaskHandle();
}

void port_lock(void)
{
    xSemaphoreTake(mutex, portMAX_DELAY);
}

void port_unlock(void)
{
    xSemaphoreGive(mutex);
}

void port_wait(uint32_t milliseconds)
{
    xSemaphoreTake(woken, pdMS_TO_TICKS(milliseconds) + 1);
}

void port_wake(void)
{
    xSemaphoreGive(woken);
}

_Noreturn void port_fail(const char *reason)
{
    printf("%s\n", reason);
    esp_restart();
}

uint8_t *port_stack_boundary(void)
{
    return (uint8_t *)pxTaskGetStackStart(NULL);
}

uint64_t port_clock_us(void)
{
    return (uint64_t)esp_timer_get_time();
}

uint64_t port_wall_clock_ms(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    if (now.tv_sec < CLOCK_SET_SECONDS)
        return 0;
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_usec / 1000u;
}

void port_random(void *bytes, size_t count)
{
    esp_fill_random(bytes, count);
}
