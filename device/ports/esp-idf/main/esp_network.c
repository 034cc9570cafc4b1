#include "esp_network.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_netif_sntp.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define TIME_SERVER "pool.ntp.org"
/* Between two tries; the driver itself takes some seconds for each. */
#define RETRY_MS 1000

static atomic_bool is_up;

static void on_event(void *context, esp_event_base_t base, int32_t id, void *data)
{
    (void)context;
    (void)data;
    if (base == WIFI_EVENT && id == WIFI_EVENT_STA_START) {
        esp_wifi_connect();
    } else if (base == WIFI_EVENT && id == WIFI_EVENT_STA_DISCONNECTED) {
        is_up = false;
        vTaskDelay(pdMS_TO_TICKS(RETRY_MS));
        esp_wifi_connect();
    } else if (base == IP_EVENT && id == IP_EVENT_STA_GOT_IP) {
        is_up = true;
    } else if (base == IP_EVENT && id == IP_EVENT_STA_LOST_IP) {
        is_up = false;
    }
}

bool esp_network_start(const char *ssid, const char *password)
{
    const wifi_init_config_t defaults = WIFI_INIT_CONFIG_DEFAULT();
    const esp_sntp_config_t time = ESP_NETIF_SNTP_DEFAULT_CONFIG(TIME_SERVER);
    wifi_config_t config = { 0 };
    if (strlen(ssid) > sizeof config.sta.ssid || strlen(password) > sizeof config.sta.password)
        return false;
    memcpy(config.sta.ssid, ssid, strlen(ssid));
    memcpy(config.sta.password, password, strlen(password));
    if (esp_netif_init() != ESP_OK || esp_event_loop_create_default() != ESP_OK
        || esp_netif_create_default_wifi_sta() == NULL || esp_wifi_init(&defaults) != ESP_OK
        || esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, NULL) != ESP_OK
        || esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_event, NULL) != ESP_OK)
        return false;
    return esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK && esp_wifi_set_config(WIFI_IF_STA, &config) == ESP_OK
        && esp_wifi_start() == ESP_OK && esp_netif_sntp_init(&time) == ESP_OK;
}

bool esp_network_is_up(void)
{
    return is_up;
}
