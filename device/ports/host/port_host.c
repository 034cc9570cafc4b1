/* Linux, for tests and for measuring. Linear memory is heap, as on ESP-IDF, so that AddressSanitizer sees its ends. */
#define _GNU_SOURCE
#include "port.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE_BYTES 256
#define TASKS_MAX 8

typedef struct {
    void (*run)(void *);
    void *argument;
} task;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static bool is_woken;
static pthread_t threads[TASKS_MAX];
static task tasks[TASKS_MAX];
static int task_count;

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

uint8_t *port_stack_boundary(void)
{
    static _Thread_local void *lowest;
    pthread_attr_t attributes;
    size_t bytes;
    if (lowest == NULL && pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &lowest, &bytes);
        pthread_attr_destroy(&attributes);
    }
    return lowest;
}

uintptr_t port_task(void)
{
    return (uintptr_t)pthread_self();
}

void port_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void port_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

void port_wait(uint32_t milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t nanoseconds = (uint64_t)until.tv_nsec + (uint64_t)milliseconds * 1000000u;
    until.tv_sec += (time_t)(nanoseconds / 1000000000u);
    until.tv_nsec = (long)(nanoseconds % 1000000000u);
    pthread_mutex_lock(&mutex);
    if (!is_woken)
        pthread_cond_timedwait(&woken, &mutex, &until);
    is_woken = false;
    pthread_mutex_unlock(&mutex);
}

void port_wake(void)
{
    pthread_mutex_lock(&mutex);
    is_woken = true;
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&mutex);
}

_Noreturn void port_fail(const char *reason)
{
    fprintf(stderr, "%s\n", reason);
    abort();
}

uint64_t port_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static FILE *open_or_exit(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    return file;
}

size_t port_read(void *target, size_t bytes)
{
    static FILE *requests;
    if (requests == NULL)
        requests = open_or_exit("requests.bin", "rb");
    return fread(target, 1, bytes, requests);
}

void port_write(const void *source, size_t bytes)
{
    static FILE *answers;
    if (answers == NULL) {
        answers = open_or_exit("answers.bin", "wb");
        /* Unbuffered, so that a crash leaves every answer before it. */
        setvbuf(answers, NULL, _IONBF, 0);
    }
    if (fwrite(source, 1, bytes, answers) != bytes) {
        perror("answers.bin");
        exit(2);
    }
}

uint32_t port_instructions(void)
{
    return 0;
}

static void *run_task(void *argument)
{
    const task *one = argument;
    one->run(one->argument);
    return NULL;
}

bool port_start_task(void (*run)(void *), void *argument)
{
    if (task_count == TASKS_MAX)
        return false;
    tasks[task_count] = (task){ run, argument };
    if (pthread_create(&threads[task_count], NULL, run_task, &tasks[task_count]) != 0)
        return false;
    task_count++;
    return true;
}

void port_end_tasks(void)
{
    while (task_count > 0)
        pthread_join(threads[--task_count], NULL);
}

const uint8_t *port_stack_below(void)
{
    return NULL;
}

void port_stack_watch(void) {}

uint32_t port_stack_used_bytes(void)
{
    return 0;
}
