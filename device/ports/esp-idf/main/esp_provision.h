/*
 * Setting a device up over its serial line. A line is a JSON object with any of `ssid`, `password`, `server` (https://...), `mqtt` (mqtts://...),
 * `authority` (PEM), `scriptKey`, `releaseKey`, `credentials` (an object); or one of the words `claim`, `show`, `forget`, `restart`.
 */
#ifndef ESP_PROVISION_H
#define ESP_PROVISION_H

#include <stdbool.h>

typedef enum {
    ESP_LINE_TAKEN,
    ESP_LINE_NOT_UNDERSTOOD,
    ESP_LINE_NOT_KEPT,
    ESP_LINE_CLAIM,
    ESP_LINE_RESTART,
} esp_line;

/* Carries a line out, but for `claim` and `restart`, which are the caller's. A line is taken as a whole, or what it names is not understood. */
esp_line esp_provision_line(const char *line);

/* Whether everything is there that a device needs before it can connect. */
bool esp_provision_is_complete(void);

/* The same but for the credentials: it can ask for a code. */
bool esp_provision_can_claim(void);

#endif
