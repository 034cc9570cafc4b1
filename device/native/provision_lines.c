/* Gives the lines of its standard input to the ESP-IDF port's setting-up, and prints what became of each; then whether a device is complete. */
#include <stdio.h>
#include <string.h>

#include "esp_provision.h"

#define LINE_BYTES 8192

int main(void)
{
    static const char *const WORDS[] = { "taken", "not understood", "not kept", "claim", "restart" };
    static char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        printf("%s\n", WORDS[esp_provision_line(line)]);
    }
    printf("%s, %s\n", esp_provision_can_claim() ? "can claim" : "can't claim",
           esp_provision_is_complete() ? "is complete" : "isn't complete");
    return 0;
}
