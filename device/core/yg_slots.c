#include "yg_slots.h"

#include <string.h>

#include "port.h"

#define ROLLOUT_OFFSET 24u
#define HEADS_OFFSET 40u
#define CRC_OFFSET (HEADS_OFFSET + 2u * YG_RELEASE_HEAD_BYTES)
#define TABLE_BYTES (CRC_OFFSET + 4u)
/* Bytes that are hashed at once where flash is read again. */
#define READ_BYTES 256u

static void put_u32(uint8_t *at, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (8 * i));
}

static uint32_t take_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* CRC-32 of IEEE 802.3. */
static uint32_t crc32(const uint8_t *at, uint32_t bytes)
{
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= at[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t other(const yg_slots *slots)
{
    return 1u - slots->table.active;
}

static port_flash_region region_of(uint32_t slot)
{
    return slot == 0 ? PORT_SLOT_A : PORT_SLOT_B;
}

/* Reads a copy if it was written to its end, and is newer than what is known. */
static void read_copy(yg_slots *slots, uint32_t copy)
{
    uint8_t bytes[TABLE_BYTES];
    yg_slot_table *table = &slots->table;
    if (!port_flash_read(PORT_TABLE, copy * PORT_SECTOR_BYTES, bytes, sizeof bytes) || memcmp(bytes, "YGT1", 4) != 0
        || take_u32(bytes + CRC_OFFSET) != crc32(bytes, CRC_OFFSET) || take_u32(bytes + 4) <= slots->sequence)
        return;
    slots->sequence = take_u32(bytes + 4);
    slots->next_copy = 1u - copy;
    table->active = bytes[8] == 1;
    table->phase = (yg_phase)bytes[9];
    table->tries = bytes[10];
    table->allow_older = bytes[11] == 1;
    table->outcome = take_u32(bytes + 12);
    table->error_code = take_u32(bytes + 16);
    table->oldest_version = take_u32(bytes + 20);
    memcpy(table->rollout_id, bytes + ROLLOUT_OFFSET, sizeof table->rollout_id);
    memcpy(table->heads, bytes + HEADS_OFFSET, sizeof table->heads);
}

/* Writes a changed table, in one step; what was known before stays where flash refuses. */
static bool change(yg_slots *slots, const yg_slot_table *table)
{
    uint8_t bytes[TABLE_BYTES] = { 'Y', 'G', 'T', '1' };
    put_u32(bytes + 4, slots->sequence + 1);
    bytes[8] = (uint8_t)table->active;
    bytes[9] = (uint8_t)table->phase;
    bytes[10] = (uint8_t)table->tries;
    bytes[11] = table->allow_older;
    put_u32(bytes + 12, table->outcome);
    put_u32(bytes + 16, table->error_code);
    put_u32(bytes + 20, table->oldest_version);
    memcpy(bytes + ROLLOUT_OFFSET, table->rollout_id, sizeof table->rollout_id);
    memcpy(bytes + HEADS_OFFSET, table->heads, sizeof table->heads);
    put_u32(bytes + CRC_OFFSET, crc32(bytes, CRC_OFFSET));
    if (!port_flash_erase(PORT_TABLE, slots->next_copy)
        || !port_flash_write(PORT_TABLE, slots->next_copy * PORT_SECTOR_BYTES, bytes, sizeof bytes))
        return false;
    slots->table = *table;
    slots->sequence++;
    slots->next_copy = 1u - slots->next_copy;
    return true;
}


bool yg_slots_incoming(const yg_slots *slots, yg_release *release)
{
    return yg_release_read(slots->table.heads[other(slots)], release);
}

bool yg_slots_confirmed(const yg_slots *slots, yg_release *release)
{
    return yg_release_read(slots->table.heads[slots->table.active], release);
}

static bool hash_flash(uint32_t slot, uint32_t bytes, yg_sha256 *hash)
{
    uint8_t part[READ_BYTES];
    yg_sha256_begin(hash);
    for (uint32_t offset = 0; offset < bytes; offset += READ_BYTES) {
        uint32_t count = bytes - offset < READ_BYTES ? bytes - offset : READ_BYTES;
        if (!port_flash_read(region_of(slot), offset, part, count))
            return false;
        yg_sha256_add(hash, part, count);
    }
    return true;
}

/* Goes on behind the last sector that is marked. */
static void resume(yg_slots *slots)
{
    yg_release release;
    uint8_t mark = 0;
    if (!yg_slots_incoming(slots, &release))
        return;
    uint32_t sectors = (release.content_bytes + PORT_SECTOR_BYTES - 1) / PORT_SECTOR_BYTES;
    uint32_t written = 0;
    while (written < sectors && port_flash_read(PORT_MARKS, written, &mark, 1) && mark == 0)
        written++;
    slots->received_bytes = written == sectors ? release.content_bytes : written * PORT_SECTOR_BYTES;
    if (!hash_flash(other(slots), slots->received_bytes, &slots->hash))
        slots->received_bytes = 0;
    if (slots->received_bytes == 0)
        yg_sha256_begin(&slots->hash);
}

void yg_slots_open(yg_slots *slots)
{
    memset(slots, 0, sizeof *slots);
    yg_sha256_begin(&slots->hash);
    read_copy(slots, 0);
    read_copy(slots, 1);
    if (slots->table.phase == YG_PHASE_DOWNLOADING)
        resume(slots);
}

bool yg_slots_begin(yg_slots *slots, const uint8_t rollout_id[YG_ROLLOUT_ID_BYTES],
                    const uint8_t head[YG_RELEASE_HEAD_BYTES], bool allow_older)
{
    yg_slot_table table = slots->table;
    table.phase = YG_PHASE_DOWNLOADING;
    table.allow_older = allow_older;
    table.outcome = table.error_code = 0;
    memcpy(table.rollout_id, rollout_id, sizeof table.rollout_id);
    memcpy(table.heads[other(slots)], head, YG_RELEASE_HEAD_BYTES);
    if (!port_flash_erase(PORT_MARKS, 0) || !change(slots, &table))
        return false;
    slots->received_bytes = 0;
    yg_sha256_begin(&slots->hash);
    return true;
}

uint32_t yg_slots_missing_in_sector(const yg_slots *slots)
{
    yg_release release;
    if (!yg_slots_incoming(slots, &release))
        return 0;
    uint32_t left = release.content_bytes - slots->received_bytes;
    uint32_t in_sector = PORT_SECTOR_BYTES - slots->received_bytes % PORT_SECTOR_BYTES;
    return left < in_sector ? left : in_sector;
}

bool yg_slots_append(yg_slots *slots, const uint8_t *data, uint32_t bytes)
{
    static const uint8_t WRITTEN = 0;
    port_flash_region region = region_of(other(slots));
    uint32_t offset = slots->received_bytes;
    uint32_t sector = offset / PORT_SECTOR_BYTES;
    if (offset % PORT_SECTOR_BYTES == 0 && !port_flash_erase(region, sector))
        return false;
    bool is_last = bytes == yg_slots_missing_in_sector(slots);
    if (!port_flash_write(region, offset, data, bytes))
        return false;
    yg_sha256_add(&slots->hash, data, bytes);
    slots->received_bytes += bytes;
    return !is_last || port_flash_write(PORT_MARKS, sector, &WRITTEN, 1);
}

bool yg_slots_is_right(const yg_slots *slots)
{
    yg_release release;
    yg_sha256 hash = slots->hash;
    uint8_t digest[YG_SHA256_BYTES];
    yg_sha256_end(&hash, digest);
    return yg_slots_incoming(slots, &release) && memcmp(digest, release.sha256, sizeof digest) == 0;
}

bool yg_slots_set_verified(yg_slots *slots)
{
    yg_slot_table table = slots->table;
    table.phase = YG_PHASE_VERIFIED;
    return change(slots, &table);
}

bool yg_slots_arm(yg_slots *slots)
{
    yg_slot_table table = slots->table;
    table.phase = YG_PHASE_TRYING;
    table.tries = 0;
    return change(slots, &table);
}

static bool is_whole(const yg_slots *slots, uint32_t slot)
{
    yg_release release;
    yg_sha256 hash;
    uint8_t digest[YG_SHA256_BYTES];
    if (!yg_release_read(slots->table.heads[slot], &release) || !hash_flash(slot, release.content_bytes, &hash))
        return false;
    yg_sha256_end(&hash, digest);
    return memcmp(digest, release.sha256, sizeof digest) == 0;
}

uint32_t yg_slots_boot(yg_slots *slots, uint32_t rolled_back, bool *is_trial)
{
    *is_trial = false;
    if (slots->table.phase != YG_PHASE_TRYING)
        return slots->table.active;
    yg_slot_table table = slots->table;
    table.tries++;
    if (table.tries <= YG_TRIES_MAX && is_whole(slots, other(slots)) && change(slots, &table)) {
        *is_trial = true;
        return other(slots);
    }
    /* Where flash refuses even this, the trial is given up at the next start. */
    yg_slots_conclude(slots, rolled_back, 0);
    return slots->table.active;
}

bool yg_slots_confirm(yg_slots *slots, uint32_t outcome)
{
    yg_release release;
    yg_slot_table table = slots->table;
    if (yg_slots_incoming(slots, &release) && release.oldest_version > table.oldest_version)
        table.oldest_version = release.oldest_version;
    table.active = other(slots);
    table.phase = YG_PHASE_OVER;
    table.outcome = outcome;
    table.error_code = 0;
    return change(slots, &table);
}

bool yg_slots_conclude(yg_slots *slots, uint32_t outcome, uint32_t error_code)
{
    yg_slot_table table = slots->table;
    table.phase = YG_PHASE_OVER;
    table.outcome = outcome;
    table.error_code = error_code;
    memset(table.heads[other(slots)], 0, YG_RELEASE_HEAD_BYTES);
    return change(slots, &table);
}

bool yg_slots_acknowledge(yg_slots *slots)
{
    yg_slot_table table = slots->table;
    table.phase = YG_PHASE_IDLE;
    return change(slots, &table);
}
