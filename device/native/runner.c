/*
 * Runs requests on the core under WAMR and writes what it answers: the tests' and the gate's way into a port. A request
 * is an operation and a payload, an answer a status, the instructions it took, and a payload; all numbers are little-
 * endian. device/native/runner.ts is the other end.
 */
#include <stdbool.h>
#include <string.h>

#include "port.h"
#include "runner_operations.h"
#include "runner_probes.h"
#include "yg_core.h"

#define POOL_BYTES_MAX 65536
#define SEARCHED_STACK_BYTES 4096
#define PAYLOAD_BYTES_MAX (1024 * 1024 + 64)

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} payload;

/* The gate counts as the core's RAM whatever isn't called harness. */
static _Alignas(8) uint8_t harness_pool[POOL_BYTES_MAX];
static _Alignas(8) uint8_t harness_image[YG_CORE_BYTES_MAX];
static _Alignas(8) uint8_t harness_request[PAYLOAD_BYTES_MAX];
static _Alignas(8) uint8_t harness_answer[4096];
static yg_core core;
static yg_sandbox harness_sandbox;
static uint32_t harness_answer_bytes;
/* The core or any module; what needs one is refused without. */
static bool harness_is_loaded;

static uint32_t left(const payload *in)
{
    return (uint32_t)(in->end - in->at);
}

static void take(payload *in, void *target, uint32_t bytes)
{
    if (bytes > left(in))
        bytes = left(in);
    memcpy(target, in->at, bytes);
    in->at += bytes;
}

static uint32_t take_u32(payload *in)
{
    uint32_t number = 0;
    take(in, &number, sizeof number);
    return number;
}

static uint64_t take_u64(payload *in)
{
    uint64_t number = 0;
    take(in, &number, sizeof number);
    return number;
}

static void give(const void *source, uint32_t bytes)
{
    memcpy(harness_answer + harness_answer_bytes, source, bytes);
    harness_answer_bytes += bytes;
}

/*
 * Starts WAMR on a pool of the size asked for, whose end touches the end of the buffer, so that nothing lies behind it.
 */
static yg_status start(payload *in, uint32_t *stack_bytes)
{
    uint32_t pool_bytes = take_u32(in) & ~7u;
    *stack_bytes = take_u32(in);
    if (harness_is_loaded || pool_bytes > POOL_BYTES_MAX)
        return YG_OUT_OF_RANGE;
    return yg_runtime_start(harness_pool + POOL_BYTES_MAX - pool_bytes, pool_bytes);
}

/* Answers how many bytes of the module are in RAM, and how many its linear memory has. */
static yg_status end_start(yg_status status, const yg_sandbox *loaded)
{
    harness_is_loaded = status == YG_OK;
    if (status != YG_OK)
        yg_runtime_stop();
    uint32_t bytes[] = { loaded->image_bytes, probe_mapped_bytes() };
    if (status == YG_OK)
        give(bytes, sizeof bytes);
    return status;
}

static yg_status open_core(payload *in)
{
    yg_core_memory memory = { .image = harness_image, .image_bytes = sizeof harness_image };
    yg_status status = start(in, &memory.stack_bytes);
    if (status != YG_OK)
        return status;
    return end_start(yg_core_open(&core, in->at, left(in), &memory), &core.sandbox);
}

static yg_admission_policy core_policy(void)
{
    return (yg_admission_policy){
        .bytes_max = YG_CORE_BYTES_MAX,
        .memory_bytes_max = YG_CORE_MEMORY_BYTES,
        .page_bytes = (uint32_t)port_page_bytes(),
    };
}

static yg_status admit_module(payload *in)
{
    const yg_admission_policy policy = core_policy();
    yg_module_parts parts;
    return yg_admit(in->at, left(in), &policy, &parts);
}

static yg_status load_module(payload *in)
{
    const yg_admission_policy policy = core_policy();
    yg_sandbox_options options = {
        .policy = &policy,
        .function = "call",
        .image = harness_image,
        .image_bytes = sizeof harness_image,
        .instructions_max = YG_CORE_INSTRUCTIONS_MAX,
        .milliseconds_max = YG_CORE_MILLISECONDS_MAX,
    };
    yg_status status = start(in, &options.stack_bytes);
    if (status != YG_OK)
        return status;
    return end_start(yg_sandbox_load(&harness_sandbox, in->at, left(in), &options), &harness_sandbox);
}

static yg_status close_all(void)
{
    yg_core_close(&core);
    yg_sandbox_unload(&harness_sandbox);
    yg_runtime_stop();
    harness_is_loaded = false;
    return YG_OK;
}

static yg_sandbox *loaded_sandbox(void)
{
    return harness_sandbox.instance != NULL ? &harness_sandbox : &core.sandbox;
}

static yg_status limit_module(payload *in)
{
    yg_sandbox *loaded = loaded_sandbox();
    loaded->instructions_max = take_u32(in);
    loaded->milliseconds_max = take_u32(in);
    return YG_OK;
}

static yg_status call_module(payload *in)
{
    uint32_t a = take_u32(in);
    uint32_t b = take_u32(in);
    uint32_t c = take_u32(in);
    int32_t result = 0;
    yg_status status = yg_sandbox_call(loaded_sandbox(), a, b, c, &result);
    if (status == YG_OK)
        give(&result, sizeof result);
    return status;
}

static yg_status read_memory(payload *in)
{
    uint32_t address = take_u32(in);
    uint32_t bytes = take_u32(in);
    const uint8_t *memory = bytes <= sizeof harness_answer ? yg_sandbox_memory(loaded_sandbox(), address, bytes) : NULL;
    if (memory == NULL)
        return YG_OUT_OF_RANGE;
    give(memory, bytes);
    return YG_OK;
}

static yg_status sign(payload *in)
{
    uint8_t tag[YG_TAG_BYTES];
    uint32_t slot = take_u32(in);
    yg_status status = yg_core_sign(&core, slot, in->at, left(in), tag);
    if (status == YG_OK)
        give(tag, sizeof tag);
    return status;
}

static yg_status verify(payload *in)
{
    uint8_t tag[YG_TAG_BYTES];
    uint32_t slot = take_u32(in);
    take(in, tag, sizeof tag);
    return yg_core_verify(&core, slot, in->at, left(in), tag);
}

static yg_status sha256(payload *in)
{
    uint8_t digest[YG_DIGEST_BYTES];
    yg_status status = yg_core_sha256(&core, in->at, left(in), digest);
    if (status == YG_OK)
        give(digest, sizeof digest);
    return status;
}

/* Another hash runs between the parts, because any number of them may be open. */
static yg_status hash_parts(payload *in)
{
    uint8_t digest[YG_DIGEST_BYTES];
    yg_hash hash;
    uint32_t count = take_u32(in);
    payload lengths = { in->at, in->end };
    in->at += count * sizeof(uint32_t);
    yg_status status = yg_core_hash_start(&core, &hash);
    for (uint32_t i = 0; i < count && status == YG_OK; i++) {
        uint32_t length = take_u32(&lengths);
        status = yg_core_hash_update(&core, &hash, in->at, length);
        in->at += length;
        if (status == YG_OK)
            status = yg_core_sha256(&core, digest, 0, digest);
    }
    if (status == YG_OK)
        status = yg_core_hash_finish(&core, &hash, digest);
    if (status == YG_OK)
        give(digest, sizeof digest);
    return status;
}

static yg_status price(payload *in)
{
    uint64_t cost = 0;
    yg_price_request request = { 0 };
    take(in, &request, sizeof request);
    yg_status status = yg_core_price(&core, &request, &cost);
    if (status == YG_OK)
        give(&cost, sizeof cost);
    return status;
}

static yg_status split(payload *in)
{
    uint64_t shares[2] = { 0, 0 };
    uint64_t cost = take_u64(in);
    uint32_t basis_points = take_u32(in);
    yg_status status = yg_core_split(&core, cost, basis_points, &shares[0], &shares[1]);
    if (status == YG_OK)
        give(shares, sizeof shares);
    return status;
}

static yg_status weigh(payload *in)
{
    double half_life_ms = 0;
    yg_assessment assessment;
    take(in, &half_life_ms, sizeof half_life_ms);
    yg_status status = yg_core_weigh(&core, (const yg_sample *)in->at, left(in) / sizeof(yg_sample), half_life_ms,
                                     &assessment);
    if (status == YG_OK)
        give(&assessment, sizeof assessment);
    return status;
}

static yg_status update_quality(payload *in)
{
    double half_life_ms = 0;
    yg_assessment assessment;
    yg_sample sample;
    take(in, &half_life_ms, sizeof half_life_ms);
    take(in, &assessment, sizeof assessment);
    take(in, &sample, sizeof sample);
    yg_status status = yg_core_update_quality(&core, &assessment, &sample, half_life_ms);
    if (status == YG_OK)
        give(&assessment, sizeof assessment);
    return status;
}

static yg_status score(payload *in)
{
    static float harness_scores[256];
    uint32_t count = left(in) / sizeof(yg_candidate);
    yg_status status = yg_core_score(&core, (const yg_candidate *)in->at, count, harness_scores);
    if (status == YG_OK)
        give(harness_scores, count * sizeof(float));
    return status;
}

/* slot, tag, request to price, message: the reply is the cost behind the message's first 56 bytes. */
static yg_status command(payload *in)
{
    uint8_t tag[YG_TAG_BYTES];
    uint8_t reply[64] = { 0 };
    uint64_t cost = 0;
    yg_price_request request = { 0 };
    uint32_t slot = take_u32(in);
    take(in, tag, sizeof tag);
    take(in, &request, sizeof request);
    yg_status status = yg_core_verify(&core, slot, in->at, left(in), tag);
    if (status == YG_OK)
        status = yg_core_price(&core, &request, &cost);
    if (status != YG_OK)
        return status;
    take(in, reply, sizeof reply - sizeof cost);
    memcpy(reply + sizeof reply - sizeof cost, &cost, sizeof cost);
    status = yg_core_sign(&core, slot, reply, sizeof reply, tag);
    if (status == YG_OK)
        give(tag, sizeof tag);
    return status;
}

static yg_status sign_repeatedly(payload *in)
{
    uint8_t tag[YG_TAG_BYTES];
    yg_status status = YG_OK;
    uint32_t slot = take_u32(in);
    uint32_t times = take_u32(in);
    for (uint32_t i = 0; i < times && status == YG_OK; i++)
        status = yg_core_sign(&core, slot, in->at, left(in), tag);
    if (status == YG_OK)
        give(tag, sizeof tag);
    return status;
}

static yg_status import_key(payload *in)
{
    uint32_t slot = take_u32(in);
    return yg_core_import_key(&core, slot, in->at, left(in));
}

static yg_status send_from_tasks(payload *in)
{
    probe_tasks_result result;
    uint32_t tasks = take_u32(in);
    yg_status status = probe_tasks(tasks, take_u32(in), &result);
    if (status == YG_OK)
        give(&result, sizeof result);
    return status;
}

static yg_status run(operation what, payload *in)
{
    if (!harness_is_loaded && what != OPEN && what != LOAD && what != ADMIT && what != TASKS)
        return YG_UNKNOWN_OPERATION;
    switch (what) {
    case OPEN:
        return open_core(in);
    case CLOSE:
        return close_all();
    case IMPORT_KEY:
        return import_key(in);
    case SIGN:
        return sign(in);
    case VERIFY:
        return verify(in);
    case SHA256:
        return sha256(in);
    case HASH_PARTS:
        return hash_parts(in);
    case PRICE:
        return price(in);
    case SPLIT:
        return split(in);
    case WEIGH:
        return weigh(in);
    case UPDATE_QUALITY:
        return update_quality(in);
    case SCORE:
        return score(in);
    case COMMAND:
        return command(in);
    case SIGN_REPEATEDLY:
        return sign_repeatedly(in);
    case LOAD:
        return load_module(in);
    case LIMIT:
        return limit_module(in);
    case CALL:
        return call_module(in);
    case ADMIT:
        return admit_module(in);
    case READ_MEMORY:
        return read_memory(in);
    case TASKS:
        return send_from_tasks(in);
    case FOREIGN_TASK:
        return probe_foreign_task(&core);
    case STACK_USED:
    case FIND_REMAINS:
        break;
    }
    return YG_UNKNOWN_OPERATION;
}

/* Answers three counts. It is called from where `run` is called, so that the stack below is as that left it. */
static void find_remains(const payload *in)
{
    const uint8_t *stack = port_stack_below();
    const uint8_t *needle = in->at;
    uint32_t bytes = left(in);
    uint32_t found[] = {
        probe_count(harness_pool, harness_pool + sizeof harness_pool, needle, bytes),
        probe_count_unmapped(needle, bytes),
        stack == NULL ? 0 : probe_count(stack - SEARCHED_STACK_BYTES, stack, needle, bytes),
    };
    give(found, sizeof found);
}

int main(void)
{
    uint32_t stack_used_bytes = 0;
    uint32_t head[2];
    while (port_read(head, sizeof head) == sizeof head && head[1] <= PAYLOAD_BYTES_MAX) {
        if (port_read(harness_request, head[1]) != head[1])
            return 1;
        payload in = { harness_request, harness_request + head[1] };
        harness_answer_bytes = 0;
        uint32_t answer[3] = { YG_OK, 0, 0 };
        if (head[0] == STACK_USED) {
            give(&stack_used_bytes, sizeof stack_used_bytes);
        } else if (head[0] == FIND_REMAINS) {
            find_remains(&in);
        } else {
            port_stack_watch();
            uint32_t before = port_instructions();
            answer[0] = (uint32_t)run((operation)head[0], &in);
            answer[1] = port_instructions() - before;
            uint32_t used = port_stack_used_bytes();
            if (used > stack_used_bytes)
                stack_used_bytes = used;
        }
        answer[2] = harness_answer_bytes;
        port_write(answer, sizeof answer);
        port_write(harness_answer, harness_answer_bytes);
    }
    return 0;
}
