#define _GNU_SOURCE
#include "host_control.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host_mqtt.h"
#include "port_host_board.h"
#include "port_host_files.h"

static void put(yg_queue *queue, const char *line)
{
    const struct timespec moment = { 0, 1000000 };
    uint8_t message[1 + HOST_LINE_BYTES] = { HOST_LINE };
    uint32_t length = (uint32_t)strcspn(line, "\r\n");
    memcpy(message + 1, line, length);
    while (yg_queue_put(queue, message, 1 + length) == YG_QUEUE_FULL)
        nanosleep(&moment, NULL);
}

static void *read_lines(void *queue)
{
    char line[HOST_LINE_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL)
        put(queue, line);
    put(queue, "end");
    return NULL;
}

bool host_control_start(yg_queue *queue)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, read_lines, queue) == 0 && pthread_detach(thread) == 0;
}

static void show(void)
{
    printf("led %d", port_board_led() != 0);
    for (uint32_t pin = 0; pin < BOARD_PINS; pin++)
        if (port_board_pin(pin))
            printf(" pin %u", (unsigned)pin);
    printf("\n");
}

bool host_control(yg_device *device, const char *line)
{
    double celsius;
    unsigned number;
    unsigned level;
    char name[HOST_LINE_BYTES];
    char state[HOST_LINE_BYTES];
    if (strcmp(line, "end") == 0)
        return false;
    if (strcmp(line, "show") == 0)
        show();
    else if (strcmp(line, "network off") == 0)
        host_mqtt_fault(true);
    else if (strcmp(line, "network on") == 0)
        host_mqtt_fault(false);
    else if (strcmp(line, "power off") == 0)
        _exit(PORT_CUT_EXIT_CODE);
    else if (sscanf(line, "power cut %u %u", &number, &level) == 2 && level < CUT_KINDS)
        port_files_cut(number, (port_cut)level);
    else if (sscanf(line, "celsius %lf", &celsius) == 1)
        port_board_set_celsius(celsius);
    else if (sscanf(line, "pin %u %u", &number, &level) == 2)
        port_board_set_pin(number, level != 0);
    else if (sscanf(line, "child-gone %127s", name) == 1)
        yg_child_gone(&device->children, name);
    else if (sscanf(line, "child %127s %127s", name, state) != 2 || !yg_child_heard(&device->children, name, state, device->now_ms))
        printf("not understood: %s\n", line);
    fflush(stdout);
    return true;
}
