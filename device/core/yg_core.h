/*
 * The compute core, device.wasm, for C: what assembly/host is for TypeScript, with the same functions, the same check
 * of the ABI version and the same statuses. Only for the task that started the runtime (yg_sandbox.h); all buffers are
 * the caller's.
 */
#ifndef YG_CORE_H
#define YG_CORE_H

#include <stdint.h>

#include "yg_sandbox.h"
#include "yg_status.h"

/* The version of the ABI this facade speaks (assembly/layout.ts). */
#define YG_ABI_VERSION 2u

#define YG_TAG_BYTES 32u
#define YG_DIGEST_BYTES 32u
/* Bytes of a hash that is set aside while another runs. */
#define YG_HASH_BYTES 112u

/* Most bytes of a core's module. */
#define YG_CORE_BYTES_MAX 6144u
/* Most linear memory of a core: that of the gateway's profile. */
#define YG_CORE_MEMORY_BYTES 4096u
/* Most WebAssembly instructions of one call: five times what the dearest one, 2,048 bytes of a message, needs. */
#define YG_CORE_INSTRUCTIONS_MAX 2000000u
/* Longest time of one call: what so many instructions take at 160 MHz, many times over. */
#define YG_CORE_MILLISECONDS_MAX 10000u

typedef struct {
    yg_sandbox sandbox;
    uint32_t io_address;
    uint32_t message_address;
    uint32_t message_bytes_max;
    uint32_t key_slots;
    uint32_t candidates_address;
    uint32_t candidates_max;
} yg_core;

/* A SHA-256 hash of data that comes in parts. Any number of them may be open at once. */
typedef struct {
    uint8_t state[YG_HASH_BYTES];
} yg_hash;

/*
 * Three shares from 0 (worst) to 1 (best), and the age in ms for yg_core_weigh, the time in ms for
 * yg_core_update_quality.
 */
typedef struct {
    double quality;
    double latency;
    double availability;
    double time_ms;
} yg_sample;

/*
 * Weighted means, the weight they stand on (samples of this moment they are worth), the three combined, and the time in
 * ms of the newest sample. All zero before the first sample.
 */
typedef struct {
    double quality;
    double latency;
    double availability;
    double weight;
    double combined;
    double last_time_ms;
} yg_assessment;

/* A provider that may be chosen; see Candidate in assembly/host/types.ts. */
typedef struct {
    float price;
    float quality;
    float latency_ms;
    float availability;
    float fairness;
    float utilization;
} yg_candidate;

/*
 * What a request used and at which prices, in micro-cents for 1,000 tokens; reasoning is completion. The cost is rounded
 * up to a multiple of the unit: 1 for micro-cents, 1,000,000 for whole cents.
 */
typedef struct {
    uint64_t prompt_tokens;
    uint64_t cached_prompt_tokens;
    uint64_t completion_tokens;
    uint64_t prompt_price_microcents;
    uint64_t cached_prompt_price_microcents;
    uint64_t completion_price_microcents;
    uint64_t rounding_unit_microcents;
} yg_price_request;

/* Memory for a core, beside the pool of yg_runtime_start and the linear memory that the port gives. */
typedef struct {
    /* For the module without its data section; stays until the core is closed. YG_CORE_BYTES_MAX are always enough. */
    uint8_t *image;
    uint32_t image_bytes;
    /*
     * Part of the pool, for the WebAssembly frames of the deepest call. The gate prints how many bytes a 32-bit machine
     * needs; with 64-bit pointers it is twice as many. With too few calls answer YG_TRAPPED.
     */
    uint32_t stack_bytes;
} yg_core_memory;

/*
 * Opens a core after yg_runtime_start. The module is only read, and only now: it may be in flash. Refuses with the
 * codes of yg_sandbox_load, YG_WRONG_KIND when it isn't the device's core, YG_ABI_MISMATCH when it speaks another
 * version.
 */
yg_status yg_core_open(yg_core *core, const uint8_t *module, uint32_t bytes, const yg_core_memory *memory);

/* Closes a core and overwrites its keys, wherever they were. A core that didn't open may be closed. */
void yg_core_close(yg_core *core);

/*
 * Every function below also answers YG_TRAPPED, YG_INSTRUCTION_LIMIT or YG_REFUSED when the core is broken, and nothing
 * but the status may then be used.
 */

/*
 * Makes an HMAC-SHA256 key of a secret of any length (RFC 2104) in slot 0 to key_slots - 1, in place of what was there.
 * No copy of the secret, nor of the hash that stands for a long one, is left. YG_OUT_OF_RANGE for a slot that isn't there.
 */
yg_status yg_core_import_key(yg_core *core, uint32_t slot, const uint8_t *secret, uint32_t bytes);

/* Writes the 32-byte tag of a message of any length. YG_OUT_OF_RANGE for a slot that isn't there. */
yg_status yg_core_sign(yg_core *core, uint32_t slot, const uint8_t *message, uint32_t bytes, uint8_t tag[YG_TAG_BYTES]);

/*
 * YG_OK when the tag is the message's, else YG_TAG_MISMATCH; in constant time in the tag. YG_OUT_OF_RANGE for a slot
 * that isn't there.
 */
yg_status yg_core_verify(yg_core *core, uint32_t slot, const uint8_t *message, uint32_t bytes,
                         const uint8_t tag[YG_TAG_BYTES]);

/* Writes the SHA-256 (FIPS 180-4) of data of any length. */
yg_status yg_core_sha256(yg_core *core, const uint8_t *data, uint32_t bytes, uint8_t digest[YG_DIGEST_BYTES]);

/* Begins a hash of data that comes in parts. */
yg_status yg_core_hash_start(yg_core *core, yg_hash *hash);

/* Takes in more data. */
yg_status yg_core_hash_update(yg_core *core, yg_hash *hash, const uint8_t *data, uint32_t bytes);

/* Ends a hash and writes it; the hash may be started again, not updated. */
yg_status yg_core_hash_finish(yg_core *core, const yg_hash *hash, uint8_t digest[YG_DIGEST_BYTES]);

/*
 * What a request costs: the sum of tokens * price, divided by 1,000 and rounded up to a multiple of the unit, once.
 * YG_OVERFLOW when a product or the sum doesn't fit 64 bits, YG_OUT_OF_RANGE for a unit of 0.
 */
yg_status yg_core_price(yg_core *core, const yg_price_request *request, uint64_t *cost_microcents);

/*
 * Splits a cost: fee = cost * basis points / 10000, rounded half up; earnings = cost - fee. YG_OUT_OF_RANGE for more
 * than 10,000 basis points.
 */
yg_status yg_core_split(yg_core *core, uint64_t cost_microcents, uint32_t commission_basis_points,
                        uint64_t *fee_microcents, uint64_t *earnings_microcents);

/*
 * The mean of samples with their ages, each weighing 2^(-age / half-life). YG_EMPTY for none, YG_OUT_OF_RANGE for more
 * than fit a message and for values outside their range. last_time_ms of the result is 0.
 */
yg_status yg_core_weigh(yg_core *core, const yg_sample *samples, uint32_t count, double half_life_ms,
                        yg_assessment *assessment);

/* Takes one more sample with its time into a running assessment. YG_OUT_OF_RANGE as above; it is then unchanged. */
yg_status yg_core_update_quality(yg_core *core, yg_assessment *assessment, const yg_sample *sample,
                                 double half_life_ms);

/*
 * Writes one score a candidate, 0 to 1, or -1 for one without a free slot. YG_EMPTY for none, YG_OUT_OF_RANGE for more
 * than candidates_max and for values outside their range.
 */
yg_status yg_core_score(yg_core *core, const yg_candidate *candidates, uint32_t count, float *scores);

#endif
