#ifndef CJSON_H
#define CJSON_H
#include <stddef.h>
typedef struct cJSON cJSON;
cJSON *cJSON_ParseWithLength(const char *value, size_t buffer_length);
cJSON *cJSON_GetObjectItemCaseSensitive(const cJSON *object, const char *string);
char *cJSON_GetStringValue(const cJSON *item);
int cJSON_IsObject(const cJSON *item);
char *cJSON_PrintUnformatted(const cJSON *item);
void cJSON_free(void *object);
void cJSON_Delete(cJSON *item);
#endif
