#include "yg_core.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "port.h"
#include "yg_wipe.h"

/* Operations of the module's dispatcher (assembly/commands.ts). */
enum {
    DESCRIBE = 0,
    START_HASH = 1,
    UPDATE = 2,
    FINISH_HASH = 3,
    IMPORT_KEY = 4,
    SIGN = 5,
    VERIFY = 6,
    START_SIGNATURE = 7,
    FINISH_SIGNATURE = 8,
    FINISH_VERIFICATION = 9,
    PRICE = 10,
    SPLIT = 11,
    WEIGH = 12,
    UPDATE_QUALITY = 13,
    SCORE = 14,
};

/* Offsets into the I/O buffer, and sizes, in bytes (assembly/layout.ts). */
enum {
    DIGEST_OFFSET = 112,
    TAG_OFFSET = 144,
    VALUES_OFFSET = 176,
    VALUE_BYTES = 8,
    IO_BYTES = 256,
    BLOCK_BYTES = 64,
    CANDIDATE_ARRAYS = 7,
};

_Static_assert(sizeof(yg_price_request) == 56, "a request to price is copied as seven u64");
_Static_assert(sizeof(yg_sample) == 32, "a sample is copied as four f64");
_Static_assert(sizeof(yg_assessment) == 48, "an assessment is copied as six f64");

static yg_status call(yg_core *core, uint32_t operation, uint32_t a, uint32_t b)
{
    int32_t answer = 0;
    yg_status status = yg_sandbox_call(&core->sandbox, operation, a, b, &answer);
    if (status != YG_OK)
        return status;
    /* A number no core has must not be mistaken for one of the codes of this side. */
    return answer >= YG_OK && answer <= YG_UNKNOWN_OPERATION ? (yg_status)answer : YG_REFUSED;
}

/* Checked when the core was opened, so it is never null. */
static uint8_t *at(yg_core *core, uint32_t address)
{
    return yg_sandbox_memory(&core->sandbox, address, 1);
}

static uint8_t *io(yg_core *core, uint32_t offset)
{
    return at(core, core->io_address + offset);
}

static uint8_t *value(yg_core *core, uint32_t index)
{
    return io(core, VALUES_OFFSET + index * VALUE_BYTES);
}

static uint64_t get_u64(yg_core *core, uint32_t index)
{
    uint64_t number;
    memcpy(&number, value(core, index), sizeof number);
    return number;
}

static uint32_t describe(yg_core *core, uint32_t what, yg_status *status)
{
    int32_t answer = 0;
    if (*status == YG_OK)
        *status = yg_sandbox_call(&core->sandbox, DESCRIBE, what, 0, &answer);
    return (uint32_t)answer;
}

static bool is_inside(yg_core *core, uint32_t address, uint64_t bytes)
{
    return bytes <= YG_CORE_MEMORY_BYTES && yg_sandbox_memory(&core->sandbox, address, (uint32_t)bytes) != NULL;
}

static yg_status describe_all(yg_core *core)
{
    yg_status status = YG_OK;
    uint32_t version = describe(core, 0, &status);
    if (status != YG_OK)
        return status;
    if (version != YG_ABI_VERSION)
        return YG_ABI_MISMATCH;
    core->io_address = describe(core, 1, &status);
    core->message_address = describe(core, 2, &status);
    core->message_bytes_max = describe(core, 3, &status);
    core->key_slots = describe(core, 5, &status);
    core->candidates_address = describe(core, 6, &status);
    core->candidates_max = describe(core, 7, &status);
    if (status != YG_OK)
        return status;
    uint64_t candidate_bytes = (uint64_t)core->candidates_max * CANDIDATE_ARRAYS * sizeof(float);
    if (core->message_bytes_max < BLOCK_BYTES || !is_inside(core, core->io_address, IO_BYTES)
        || !is_inside(core, core->message_address, core->message_bytes_max)
        || !is_inside(core, core->candidates_address, candidate_bytes))
        return YG_WRONG_KIND;
    return YG_OK;
}

yg_status yg_core_open(yg_core *core, const uint8_t *module, uint32_t bytes, const yg_core_memory *memory)
{
    const yg_admission_policy policy = {
        .bytes_max = YG_CORE_BYTES_MAX,
        .memory_bytes_max = YG_CORE_MEMORY_BYTES,
        .page_bytes = (uint32_t)port_page_bytes(),
    };
    const yg_sandbox_options options = {
        .policy = &policy,
        .function = "call",
        .image = memory->image,
        .image_bytes = memory->image_bytes,
        .stack_bytes = memory->stack_bytes,
        .instructions_max = YG_CORE_INSTRUCTIONS_MAX,
        .milliseconds_max = YG_CORE_MILLISECONDS_MAX,
    };
    memset(core, 0, sizeof *core);
    yg_status status = yg_sandbox_load(&core->sandbox, module, bytes, &options);
    if (status == YG_OK)
        status = describe_all(core);
    if (status != YG_OK)
        yg_core_close(core);
    return status;
}

void yg_core_close(yg_core *core)
{
    yg_sandbox_unload(&core->sandbox);
}

/* Hashes or signs data of any length, as much at a time as the message has room for. */
static yg_status update(yg_core *core, const uint8_t *data, uint32_t bytes)
{
    while (bytes > 0) {
        uint32_t part = bytes < core->message_bytes_max ? bytes : core->message_bytes_max;
        memcpy(at(core, core->message_address), data, part);
        yg_status status = call(core, UPDATE, part, 0);
        if (status != YG_OK)
            return status;
        data += part;
        bytes -= part;
    }
    return YG_OK;
}

yg_status yg_core_sha256(yg_core *core, const uint8_t *data, uint32_t bytes, uint8_t digest[YG_DIGEST_BYTES])
{
    yg_status status = call(core, START_HASH, 0, 0);
    if (status == YG_OK)
        status = update(core, data, bytes);
    if (status == YG_OK)
        status = call(core, FINISH_HASH, 0, 0);
    if (status == YG_OK)
        memcpy(digest, io(core, DIGEST_OFFSET), YG_DIGEST_BYTES);
    return status;
}

yg_status yg_core_import_key(yg_core *core, uint32_t slot, const uint8_t *secret, uint32_t bytes)
{
    uint8_t digest[YG_DIGEST_BYTES];
    yg_status status = YG_OK;
    /* Refused before the module sees the secret, because it wipes only what it takes. */
    if (slot >= core->key_slots)
        return YG_OUT_OF_RANGE;
    if (bytes > BLOCK_BYTES) {
        /* A secret longer than a block is replaced by its hash (RFC 2104, section 2). */
        status = yg_core_sha256(core, secret, bytes, digest);
        secret = digest;
        bytes = sizeof digest;
    }
    if (status == YG_OK) {
        if (bytes > 0)
            memcpy(at(core, core->message_address), secret, bytes);
        status = call(core, IMPORT_KEY, slot, bytes);
    }
    yg_wipe(digest, sizeof digest);
    yg_wipe(at(core, core->message_address), core->message_bytes_max);
    yg_wipe(io(core, 0), IO_BYTES);
    return status;
}

/*
 * Leaves the result at DIGEST_OFFSET, or compares it with the tag, by the operations for short and for long messages.
 */
static yg_status sign(yg_core *core, uint32_t slot, const uint8_t *message, uint32_t bytes, uint32_t at_once,
                      uint32_t finish)
{
    if (bytes <= core->message_bytes_max) {
        if (bytes > 0)
            memcpy(at(core, core->message_address), message, bytes);
        return call(core, at_once, slot, bytes);
    }
    yg_status status = call(core, START_SIGNATURE, slot, 0);
    if (status == YG_OK)
        status = update(core, message, bytes);
    return status == YG_OK ? call(core, finish, slot, 0) : status;
}

yg_status yg_core_sign(yg_core *core, uint32_t slot, const uint8_t *message, uint32_t bytes,
                       uint8_t tag[YG_TAG_BYTES])
{
    yg_status status = sign(core, slot, message, bytes, SIGN, FINISH_SIGNATURE);
    if (status == YG_OK)
        memcpy(tag, io(core, DIGEST_OFFSET), YG_TAG_BYTES);
    return status;
}

yg_status yg_core_verify(yg_core *core, uint32_t slot, const uint8_t *message, uint32_t bytes,
                         const uint8_t tag[YG_TAG_BYTES])
{
    memcpy(io(core, TAG_OFFSET), tag, YG_TAG_BYTES);
    return sign(core, slot, message, bytes, VERIFY, FINISH_VERIFICATION);
}

yg_status yg_core_hash_start(yg_core *core, yg_hash *hash)
{
    yg_status status = call(core, START_HASH, 0, 0);
    memcpy(hash->state, io(core, 0), YG_HASH_BYTES);
    return status;
}

yg_status yg_core_hash_update(yg_core *core, yg_hash *hash, const uint8_t *data, uint32_t bytes)
{
    memcpy(io(core, 0), hash->state, YG_HASH_BYTES);
    yg_status status = update(core, data, bytes);
    memcpy(hash->state, io(core, 0), YG_HASH_BYTES);
    return status;
}

yg_status yg_core_hash_finish(yg_core *core, const yg_hash *hash, uint8_t digest[YG_DIGEST_BYTES])
{
    memcpy(io(core, 0), hash->state, YG_HASH_BYTES);
    yg_status status = call(core, FINISH_HASH, 0, 0);
    if (status == YG_OK)
        memcpy(digest, io(core, DIGEST_OFFSET), YG_DIGEST_BYTES);
    return status;
}

yg_status yg_core_price(yg_core *core, const yg_price_request *request, uint64_t *cost_microcents)
{
    memcpy(value(core, 0), request, sizeof *request);
    yg_status status = call(core, PRICE, 0, 0);
    if (status == YG_OK)
        *cost_microcents = get_u64(core, 7);
    return status;
}

yg_status yg_core_split(yg_core *core, uint64_t cost_microcents, uint32_t commission_basis_points,
                        uint64_t *fee_microcents, uint64_t *earnings_microcents)
{
    memcpy(value(core, 7), &cost_microcents, sizeof cost_microcents);
    yg_status status = call(core, SPLIT, commission_basis_points, 0);
    if (status == YG_OK) {
        *fee_microcents = get_u64(core, 8);
        *earnings_microcents = get_u64(core, 9);
    }
    return status;
}

yg_status yg_core_weigh(yg_core *core, const yg_sample *samples, uint32_t count, double half_life_ms,
                        yg_assessment *assessment)
{
    if (count > core->message_bytes_max / sizeof *samples)
        return YG_OUT_OF_RANGE;
    if (count > 0)
        memcpy(at(core, core->message_address), samples, count * sizeof *samples);
    memcpy(value(core, 0), &half_life_ms, sizeof half_life_ms);
    yg_status status = call(core, WEIGH, count, 0);
    if (status == YG_OK) {
        memcpy(assessment, value(core, 1), sizeof *assessment);
        assessment->last_time_ms = 0;
    }
    return status;
}

yg_status yg_core_update_quality(yg_core *core, yg_assessment *assessment, const yg_sample *sample,
                                 double half_life_ms)
{
    memcpy(value(core, 0), &half_life_ms, sizeof half_life_ms);
    memcpy(value(core, 1), assessment, sizeof *assessment);
    memcpy(at(core, core->message_address), sample, sizeof *sample);
    yg_status status = call(core, UPDATE_QUALITY, 0, 0);
    if (status == YG_OK)
        memcpy(assessment, value(core, 1), sizeof *assessment);
    return status;
}

yg_status yg_core_score(yg_core *core, const yg_candidate *candidates, uint32_t count, float *scores)
{
    const uint32_t stride = core->candidates_max * sizeof(float);
    if (count > core->candidates_max)
        return YG_OUT_OF_RANGE;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *target = at(core, core->candidates_address) + i * sizeof(float);
        memcpy(target, &candidates[i].price, sizeof(float));
        memcpy(target + stride, &candidates[i].latency_ms, sizeof(float));
        memcpy(target + 2 * stride, &candidates[i].utilization, sizeof(float));
        memcpy(target + 3 * stride, &candidates[i].quality, sizeof(float));
        memcpy(target + 4 * stride, &candidates[i].availability, sizeof(float));
        memcpy(target + 5 * stride, &candidates[i].fairness, sizeof(float));
    }
    yg_status status = call(core, SCORE, count, 0);
    if (status == YG_OK)
        memcpy(scores, at(core, core->candidates_address) + 6 * stride, count * sizeof(float));
    return status;
}
