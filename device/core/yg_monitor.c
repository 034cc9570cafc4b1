#include "yg_monitor.h"

#define MINUTE_MS 60000u

void yg_monitor_tick(yg_monitor *monitor, uint32_t now_ms)
{
    uint32_t passed_ms = now_ms - monitor->minute_began_ms;
    if (passed_ms < MINUTE_MS)
        return;
    monitor->cpu_permille = (uint32_t)(monitor->busy_us / passed_ms);
    monitor->minute_began_ms = now_ms;
    monitor->busy_us = 0;
    monitor->bytes_this_minute = 0;
}

bool yg_monitor_pool(yg_monitor *monitor, uint32_t pool_bytes, uint32_t used_bytes, uint32_t warning_percent)
{
    bool is_above = used_bytes > (uint64_t)pool_bytes * warning_percent / 100;
    bool is_news = is_above && !monitor->is_pool_warned;
    monitor->pool_bytes = pool_bytes;
    if (used_bytes > monitor->pool_used_most)
        monitor->pool_used_most = used_bytes;
    monitor->is_pool_warned = is_above;
    return is_news;
}

bool yg_monitor_may_send(yg_monitor *monitor, uint32_t bytes, uint32_t bytes_per_minute)
{
    if (monitor->bytes_this_minute <= bytes_per_minute && bytes <= bytes_per_minute - monitor->bytes_this_minute)
        return true;
    monitor->held_back++;
    return false;
}

void yg_monitor_write(const yg_monitor *monitor, yg_result *result)
{
    yg_write_number(result, "cpu_permille", monitor->cpu_permille);
    yg_write_number(result, "pool_bytes", monitor->pool_bytes);
    yg_write_number(result, "pool_used_most", monitor->pool_used_most);
    yg_write_number(result, "bytes_received", (double)monitor->bytes_received);
    yg_write_number(result, "bytes_sent", (double)monitor->bytes_sent);
    yg_write_number(result, "bytes_this_minute", monitor->bytes_this_minute);
    yg_write_number(result, "readings_held_back", monitor->held_back);
    yg_write_number(result, "connections", monitor->connections);
}
