/*
 * The simulation by command: lines of the standard input change the board, the network and the power of a device on Linux, so that a
 * script of a test or of a demonstration can do what happens to a board.
 *
 *   celsius <number>             the reading of the sensor
 *   pin <number> <0|1>           the level of an input
 *   show                         prints `led <0|1>` and the levels that are 1
 *   child <name> <state>         a device behind this one was heard of; `child-gone <name>`
 *   network off | on             connections end, and don't come about until it is on
 *   power off                    the process ends at once
 *   power cut <number> <kind>    it ends in that operation of flash from now on (port_host_files.h: 0 before it, 1 in half, 2 unsynced)
 *   end                          disconnects and ends
 */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include <stdbool.h>

#include "yg_device.h"
#include "yg_queue.h"

#define HOST_LINE_BYTES 128u

/* Starts to read lines, in a task of its own; they come as messages of the queue. The end of the input is the line `end`. */
bool host_control_start(yg_queue *queue);

/* Carries a line out, in the task that owns the runtime. False: the program is to end. */
bool host_control(yg_device *device, const char *line);

#endif
