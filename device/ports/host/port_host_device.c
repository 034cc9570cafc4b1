#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "port.h"

bool port_board_is_simulated(void)
{
    return true;
}

uint64_t port_wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void port_random(void *bytes, size_t count)
{
    if (getrandom(bytes, count, 0) != (ssize_t)count)
        port_fail("the system has no random numbers");
}
