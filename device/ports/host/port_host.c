/* Linux, for tests and for measuring. Linear memory is heap, as on ESP-IDF, so that AddressSanitizer sees its ends. */
#define _GNU_SOURCE
#include "port.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE_BYTES 4096

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
    static void *lowest;
    pthread_attr_t attributes;
    size_t bytes;
    if (lowest == NULL && pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &lowest, &bytes);
        pthread_attr_destroy(&attributes);
    }
    return lowest;
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

const uint8_t *port_stack_below(void)
{
    return NULL;
}

void port_stack_watch(void) {}

uint32_t port_stack_used_bytes(void)
{
    return 0;
}
