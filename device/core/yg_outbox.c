#include "yg_outbox.h"

#include <string.h>

#define ALIGNMENT 8u

static uint32_t bytes_of(const yg_outbox_entry *entry)
{
    uint32_t bytes = (uint32_t)sizeof *entry + entry->payload_bytes;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

yg_outbox_entry *yg_outbox_next(yg_outbox *outbox, yg_outbox_entry *entry)
{
    uint8_t *at = entry == NULL ? outbox->memory : (uint8_t *)entry + bytes_of(entry);
    return at < outbox->memory + outbox->used ? (yg_outbox_entry *)(void *)at : NULL;
}

const uint8_t *yg_outbox_payload(const yg_outbox_entry *entry)
{
    return (const uint8_t *)(entry + 1);
}

void yg_outbox_remove(yg_outbox *outbox, yg_outbox_entry *entry)
{
    uint8_t *at = (uint8_t *)entry;
    uint32_t bytes = bytes_of(entry);
    memmove(at, at + bytes, (size_t)(outbox->memory + outbox->used - at) - bytes);
    outbox->used -= bytes;
}

bool yg_outbox_has_room(yg_outbox *outbox, uint32_t payload_bytes)
{
    const yg_outbox_entry wanted = { .payload_bytes = payload_bytes };
    uint32_t bytes = bytes_of(&wanted);
    for (yg_outbox_entry *entry = yg_outbox_next(outbox, NULL); entry != NULL; entry = yg_outbox_next(outbox, entry))
        if (entry->type != YG_FRAME_EVENT)
            bytes += bytes_of(entry);
    return bytes <= YG_OUTBOX_BYTES;
}

void yg_outbox_remove_type(yg_outbox *outbox, uint32_t type)
{
    yg_outbox_entry *entry = yg_outbox_next(outbox, NULL);
    while (entry != NULL) {
        if (entry->type == type) {
            yg_outbox_remove(outbox, entry);
            entry = yg_outbox_next(outbox, NULL);
        } else {
            entry = yg_outbox_next(outbox, entry);
        }
    }
}

static bool remove_oldest_reading(yg_outbox *outbox)
{
    for (yg_outbox_entry *entry = yg_outbox_next(outbox, NULL); entry != NULL; entry = yg_outbox_next(outbox, entry))
        if (entry->type == YG_FRAME_EVENT) {
            yg_outbox_remove(outbox, entry);
            outbox->lost++;
            return true;
        }
    return false;
}

yg_outbox_entry *yg_outbox_add(yg_outbox *outbox, const yg_outbox_entry *entry, const uint8_t *payload)
{
    uint32_t bytes = bytes_of(entry);
    while (bytes > YG_OUTBOX_BYTES - outbox->used)
        if (!remove_oldest_reading(outbox)) {
            outbox->lost++;
            return NULL;
        }
    uint8_t *at = outbox->memory + outbox->used;
    memcpy(at, entry, sizeof *entry);
    memcpy(at + sizeof *entry, payload, entry->payload_bytes);
    outbox->used += bytes;
    return (yg_outbox_entry *)(void *)at;
}

yg_outbox_entry *yg_outbox_find_token(yg_outbox *outbox, uint32_t token)
{
    yg_outbox_entry *entry = yg_outbox_next(outbox, NULL);
    while (entry != NULL && entry->token != token)
        entry = yg_outbox_next(outbox, entry);
    return entry;
}

yg_outbox_entry *yg_outbox_find(yg_outbox *outbox, const uint8_t id[YG_ID_BYTES])
{
    yg_outbox_entry *entry = yg_outbox_next(outbox, NULL);
    while (entry != NULL && memcmp(entry->id, id, YG_ID_BYTES) != 0)
        entry = yg_outbox_next(outbox, entry);
    return entry;
}
