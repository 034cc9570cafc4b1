#ifndef FREERTOS_TASK_H
#define FREERTOS_TASK_H
#include "FreeRTOS.h"
typedef struct tskTaskControlBlock *TaskHandle_t;
TaskHandle_t xTaskGetCurrentTaskHandle(void);
uint8_t *pxTaskGetStackStart(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
#endif
