/*
 * Payloads of COMMAND and COMMAND_RESULT frames (proto/yggdrasil/v1/bifrost.proto), read and written without memory of
 * their own. A reader takes bytes that anybody may have written.
 */
#ifndef YG_PAYLOAD_H
#define YG_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define YG_COMMAND_ARGUMENTS_MAX 8u
#define YG_COMMAND_NAME_BYTES 49u

typedef enum { YG_VALUE_NONE, YG_VALUE_BOOLEAN, YG_VALUE_INTEGER, YG_VALUE_NUMBER, YG_VALUE_TEXT, YG_VALUE_DATA } yg_value_kind;

typedef struct {
    char name[YG_COMMAND_NAME_BYTES];
    yg_value_kind kind;
    /* Of a boolean (0, 1), an integer and a number. */
    double number;
    /* Of a text or data; in the payload. */
    const uint8_t *bytes;
    uint32_t byte_count;
} yg_argument;

typedef struct {
    char name[YG_COMMAND_NAME_BYTES];
    yg_argument arguments[YG_COMMAND_ARGUMENTS_MAX];
    uint32_t argument_count;
} yg_command;

/* Reads a Command. False for what is none, has longer names or more arguments than fit. */
bool yg_read_command(const uint8_t *payload, uint32_t bytes, yg_command *command);

/* The argument of this name, or NULL. */
const yg_argument *yg_find_argument(const yg_command *command, const char *name);

/* A CommandResult that is being written. What doesn't fit is left out, and noted. */
typedef struct {
    uint8_t *at;
    uint8_t *end;
    bool is_full;
} yg_result;

/* Its error, first: a number of error.proto, and words for people. */
void yg_write_error(yg_result *result, uint32_t code, const char *message);
void yg_write_boolean(yg_result *result, const char *name, bool value);
void yg_write_text(yg_result *result, const char *name, const char *text);
/* Whole numbers as integers, all others as doubles. */
void yg_write_number(yg_result *result, const char *name, double number);

#endif
