/* Devices behind a device: what its own radio or bus has heard of, and when. GetChildrenStatus answers with it. */
#ifndef YG_CHILDREN_H
#define YG_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_payload.h"

#define YG_CHILDREN_MAX 8u
#define YG_CHILD_NAME_BYTES 24u
#define YG_CHILD_STATE_BYTES 24u

typedef struct {
    char name[YG_CHILD_NAME_BYTES];
    char state[YG_CHILD_STATE_BYTES];
    uint32_t heard_ms;
} yg_child;

typedef struct {
    yg_child children[YG_CHILDREN_MAX];
    uint32_t count;
} yg_children;

/*
 * A child was heard of, and says of itself `state`, e.g. "online". False for a name that isn't `[a-z][a-z0-9_]*`, for texts that are too long, and for
 * the ninth.
 */
bool yg_child_heard(yg_children *children, const char *name, const char *state, uint32_t now_ms);

/* It is not behind this device any more. */
void yg_child_gone(yg_children *children, const char *name);

/* `count`, and of each `<name>.state` and `<name>.heard_ms_ago`. */
void yg_children_write(const yg_children *children, uint32_t now_ms, yg_result *result);

#endif
