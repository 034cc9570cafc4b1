#include "yg_children.h"

#include <stdio.h>
#include <string.h>

#include "yg_manifest.h"

#define VALUE_NAME_BYTES (YG_CHILD_NAME_BYTES + 16)

static yg_child *find(yg_children *children, const char *name)
{
    for (uint32_t i = 0; i < children->count; i++)
        if (strcmp(children->children[i].name, name) == 0)
            return &children->children[i];
    return NULL;
}

bool yg_child_heard(yg_children *children, const char *name, const char *state, uint32_t now_ms)
{
    yg_child *child = find(children, name);
    /* The same rule as for scripts: it becomes a part of a value's name. */
    if (!yg_is_script_name(name) || strlen(name) >= YG_CHILD_NAME_BYTES || strlen(state) >= YG_CHILD_STATE_BYTES)
        return false;
    if (child == NULL && children->count == YG_CHILDREN_MAX)
        return false;
    if (child == NULL)
        child = &children->children[children->count++];
    strcpy(child->name, name);
    strcpy(child->state, state);
    child->heard_ms = now_ms;
    return true;
}

void yg_child_gone(yg_children *children, const char *name)
{
    yg_child *child = find(children, name);
    if (child == NULL)
        return;
    *child = children->children[--children->count];
}

void yg_children_write(const yg_children *children, uint32_t now_ms, yg_result *result)
{
    char name[VALUE_NAME_BYTES];
    yg_write_number(result, "count", children->count);
    for (uint32_t i = 0; i < children->count; i++) {
        const yg_child *child = &children->children[i];
        snprintf(name, sizeof name, "%s.state", child->name);
        yg_write_text(result, name, child->state);
        snprintf(name, sizeof name, "%s.heard_ms_ago", child->name);
        yg_write_number(result, name, now_ms - child->heard_ms);
    }
}
