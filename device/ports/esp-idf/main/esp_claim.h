/* A device that belongs to nobody: it asks its server for a code, shows it, and comes for its credentials once somebody has claimed it. */
#ifndef ESP_CLAIM_H
#define ESP_CLAIM_H

#include <stdbool.h>

/* Prints the code and waits until it was typed somewhere; then the credentials are kept as the setting `credentials`. False when it was not, or the server can't be reached. */
bool esp_claim(const char *server, const char *authority);

#endif
