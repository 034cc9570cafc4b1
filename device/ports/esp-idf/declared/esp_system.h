#ifndef ESP_SYSTEM_H
#define ESP_SYSTEM_H
_Noreturn void esp_restart(void);
#endif
