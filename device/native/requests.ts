import type { Candidate, PriceRequest, QualitySample, QualityState } from '../../assembly/host/index.ts';
import { RunnerOperation, type RunnerRequest } from './runner.ts';

const EMPTY = new Uint8Array(0);

function request(operation: number, ...parts: readonly Uint8Array[]): RunnerRequest {
  return { operation, payload: Buffer.concat(parts) };
}

function u32(...numbers: readonly number[]): Uint8Array {
  return bytesOf(Uint32Array.from(numbers));
}

function u64(...numbers: readonly bigint[]): Uint8Array {
  return bytesOf(BigUint64Array.from(numbers));
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * Starts WAMR with a pool of this many bytes and opens the core with a stack of that many. Answers,
 * u32 each, how many bytes of the module are in RAM, and how many its linear memory has.
 */
export function open(poolBytes: number, stackBytes: number, module: Uint8Array): RunnerRequest {
  return request(RunnerOperation.OPEN, u32(poolBytes, stackBytes), module);
}

/** The same with any module that exports `call`, under a core's policy. */
export function load(poolBytes: number, stackBytes: number, module: Uint8Array): RunnerRequest {
  return request(RunnerOperation.LOAD, u32(poolBytes, stackBytes), module);
}

/** What admission alone says of a module, under a core's policy; by status. */
export function admit(module: Uint8Array): RunnerRequest {
  return request(RunnerOperation.ADMIT, module);
}

/** Answers bytes of the memory of the core or of a loaded module; at most 4,096. */
export function readMemory(address: number, bytes: number): RunnerRequest {
  return request(RunnerOperation.READ_MEMORY, u32(address, bytes));
}

/** Changes what the calls of a loaded module may take from here on; no milliseconds are no limit in time. */
export function limit(instructionsMax: number, millisecondsMax: number): RunnerRequest {
  return request(RunnerOperation.LIMIT, u32(instructionsMax, millisecondsMax));
}

/** Calls the export `call` of a loaded module, or of the core. */
export function call(a: number, b: number, c: number): RunnerRequest {
  return request(RunnerOperation.CALL, u32(a, b, c));
}

/** Closes what is open and ends WAMR. */
export function close(): RunnerRequest {
  return request(RunnerOperation.CLOSE, EMPTY);
}

/** Makes a key in a slot. */
export function importKey(slot: number, secret: Uint8Array): RunnerRequest {
  return request(RunnerOperation.IMPORT_KEY, u32(slot), secret);
}

/** Answers the tag. */
export function sign(slot: number, message: Uint8Array): RunnerRequest {
  return request(RunnerOperation.SIGN, u32(slot), message);
}

/** Answers by status alone. */
export function verify(slot: number, message: Uint8Array, tag: Uint8Array): RunnerRequest {
  return request(RunnerOperation.VERIFY, u32(slot), tag, message);
}

/** Answers the digest. */
export function sha256(data: Uint8Array): RunnerRequest {
  return request(RunnerOperation.SHA256, data);
}

/** Hashes parts, with other hashes between them; answers the digest. */
export function hashParts(parts: readonly Uint8Array[]): RunnerRequest {
  const lengths = parts.map((part) => part.length);
  return request(RunnerOperation.HASH_PARTS, u32(parts.length), u32(...lengths), ...parts);
}

/** Answers the cost in micro-cents, u64. */
export function price(priced: PriceRequest): RunnerRequest {
  return request(RunnerOperation.PRICE, priceRequestBytes(priced));
}

/** 281 tokens at 25 cents, rounded up to whole cents: a request whose cost, `PRICED_MICROCENTS`, tells that a core works. */
export const PRICED: PriceRequest = {
  tokens: { prompt: 200n, cachedPrompt: 50n, completion: 31n },
  priceMicrocentsPer1000Tokens: { prompt: 25_000_000n, cachedPrompt: 25_000_000n, completion: 25_000_000n },
  roundingUnitMicrocents: 1_000_000n,
};
export const PRICED_MICROCENTS = 8_000_000n;

// `yg_price_request` of device/core/yg_core.h.
function priceRequestBytes({
  tokens,
  priceMicrocentsPer1000Tokens: prices,
  roundingUnitMicrocents = 1n,
}: PriceRequest): Uint8Array {
  return u64(
    ...[tokens.prompt, tokens.cachedPrompt, tokens.completion],
    ...[prices.prompt, prices.cachedPrompt, prices.completion],
    roundingUnitMicrocents,
  );
}

/** Answers fee and earnings in micro-cents, u64 each. */
export function split(costMicrocents: bigint, basisPoints: number): RunnerRequest {
  return request(RunnerOperation.SPLIT, u64(costMicrocents), u32(basisPoints));
}

/** Answers the assessment, six f64; the last, the time of the newest sample, is 0. */
export function weigh(samples: readonly QualitySample[], halfLifeMs: number): RunnerRequest {
  const values = samples.flatMap(({ quality, latency, availability, ageMs }) => [
    quality,
    latency,
    availability,
    ageMs,
  ]);
  return request(RunnerOperation.WEIGH, bytesOf(Float64Array.of(halfLifeMs, ...values)));
}

/** Takes an observation into a running assessment; answers it, six f64. */
export function updateQuality(
  state: QualityState | null,
  observation: { quality: number; latency: number; availability: number; timeMs: number },
  halfLifeMs: number,
): RunnerRequest {
  const before = state ?? {
    quality: 0,
    latency: 0,
    availability: 0,
    combined: 0,
    weight: 0,
    lastTimeMs: 0,
  };
  const { quality, latency, availability, timeMs } = observation;
  return request(
    RunnerOperation.UPDATE_QUALITY,
    bytesOf(
      Float64Array.of(
        halfLifeMs,
        before.quality,
        before.latency,
        before.availability,
        before.weight,
        before.combined,
        before.lastTimeMs,
        quality,
        latency,
        availability,
        timeMs,
      ),
    ),
  );
}

/** Answers one f32 a candidate. */
export function score(candidates: readonly Candidate[]): RunnerRequest {
  const values = candidates.flatMap((at) => [
    at.price,
    at.quality,
    at.latencyMs,
    at.availability,
    at.fairness,
    at.utilization,
  ]);
  return request(RunnerOperation.SCORE, bytesOf(Float32Array.from(values)));
}

/** Verifies a message, prices a request and signs a 64-byte reply; answers its tag. */
export function command(
  slot: number,
  tag: Uint8Array,
  priced: PriceRequest,
  message: Uint8Array,
): RunnerRequest {
  return request(RunnerOperation.COMMAND, u32(slot), tag, priceRequestBytes(priced), message);
}

/** Signs a message this many times; answers the tag. */
export function signRepeatedly(slot: number, times: number, message: Uint8Array): RunnerRequest {
  return request(RunnerOperation.SIGN_REPEATEDLY, u32(slot, times), message);
}

/**
 * Answers, u32 each, how often these bytes are in the pool, in the linear memory given back last, and below the C stack
 * (0 where a port doesn't let it be read).
 */
export function findRemains(needle: Uint8Array): RunnerRequest {
  return request(RunnerOperation.FIND_REMAINS, needle);
}

/**
 * Sends so many messages from each of so many other tasks (at most 8) to the runner's. Answers, u32 each, how many came,
 * how many were out of order, and how many tasks had a wrong boundary of their stack.
 */
export function sendFromTasks(tasks: number, messages: number): RunnerRequest {
  return request(RunnerOperation.TASKS, u32(tasks, messages));
}

/** Uses the core in another task; the runner must not survive it. */
export function useInForeignTask(): RunnerRequest {
  return request(RunnerOperation.FOREIGN_TASK, EMPTY);
}

/** Answers, u32, the bytes of C stack that the deepest request so far took. */
export function stackUsed(): RunnerRequest {
  return request(RunnerOperation.STACK_USED, EMPTY);
}
