/* Wi-Fi as a station, which comes back by itself, and the time by SNTP. */
#ifndef ESP_NETWORK_H
#define ESP_NETWORK_H

#include <stdbool.h>

/* Joins a network; from then on it is joined again whenever it is lost. False when the radio can't be had. */
bool esp_network_start(const char *ssid, const char *password);

/* Whether there is an address now. */
bool esp_network_is_up(void);

#endif
