#include "device_loop.h"

#include <string.h>

/* How long a restart waits for what is on its way to the broker. */
#define RESTART_MS 1000u

static bool is_due(uint32_t due_ms, uint32_t now_ms)
{
    return (int32_t)(now_ms - due_ms) >= 0;
}

void yg_loop_open(yg_loop *loop, yg_device *device, const yg_loop_network *network, uint32_t now_ms)
{
    memset(loop, 0, sizeof *loop);
    loop->device = device;
    loop->network = network;
    loop->connect_due_ms = now_ms;
    loop->is_connect_wanted = true;
}

bool yg_loop_publish(void *context, const uint8_t *frame, uint32_t bytes, uint32_t token)
{
    yg_loop *loop = context;
    int32_t number;
    if (!loop->network->publish(frame, bytes, &number))
        return false;
    loop->sent[loop->sent_next].number = number;
    loop->sent[loop->sent_next].token = token;
    loop->sent_next = (loop->sent_next + 1) % YG_LOOP_SENT;
    return true;
}

static void lost(yg_loop *loop, uint32_t now_ms)
{
    yg_device_connected(loop->device, false);
    uint32_t retry_ms = yg_device_retry_ms(loop->device);
    loop->connect_due_ms = now_ms + retry_ms;
    loop->is_connect_wanted = true;
    loop->network->lost(retry_ms);
}

uint32_t yg_loop_turn(yg_loop *loop, uint32_t now_ms)
{
    uint32_t wait_ms = yg_device_tick(loop->device, now_ms);
    if (loop->is_connect_wanted && is_due(loop->connect_due_ms, now_ms)) {
        loop->is_connect_wanted = false;
        if (!loop->network->connect())
            lost(loop, now_ms);
    }
    uint32_t until_ms = loop->connect_due_ms - now_ms;
    return loop->is_connect_wanted && until_ms < wait_ms ? until_ms : wait_ms;
}

static void taken_over(yg_loop *loop, const uint8_t *bytes)
{
    int32_t number;
    memcpy(&number, bytes, sizeof number);
    for (uint32_t i = 0; i < YG_LOOP_SENT; i++)
        if (loop->sent[i].token != 0 && loop->sent[i].number == number) {
            yg_device_settled(loop->device, loop->sent[i].token);
            loop->sent[i].token = 0;
        }
}

bool yg_loop_message(yg_loop *loop, const uint8_t *message, uint32_t bytes, uint32_t now_ms)
{
    switch (message[0]) {
    case YG_LOOP_CONNECTED:
        memset(loop->sent, 0, sizeof loop->sent);
        loop->network->connected();
        yg_device_connected(loop->device, true);
        return true;
    case YG_LOOP_LOST:
        lost(loop, now_ms);
        return true;
    case YG_LOOP_FRAME:
        if (!yg_device_received(loop->device, message + 1, bytes - 1))
            loop->network->drop();
        loop->network->carried_out();
        yg_device_release(loop->device);
        return true;
    case YG_LOOP_TAKEN_OVER:
        taken_over(loop, message + 1);
        return true;
    default:
        return false;
    }
}

bool yg_loop_restarts(yg_loop *loop, uint32_t now_ms)
{
    if (!yg_device_wants_restart(loop->device))
        return false;
    if (!loop->is_restarting) {
        loop->is_restarting = true;
        loop->restart_due_ms = now_ms + RESTART_MS;
    }
    if (loop->device->outbox.used > 0 && !is_due(loop->restart_due_ms, now_ms))
        return false;
    loop->is_restarting = false;
    return true;
}
