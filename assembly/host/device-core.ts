import {
  ABI_VERSION,
  BLOCK_BYTES,
  DIGEST_OFFSET,
  KEY_BYTES,
  type Module,
  Operation,
  openModule,
  requireOk,
  STREAM_BYTES,
  Status,
  TAG_BYTES,
  TAG_OFFSET,
  VALUES_COUNT,
  VALUES_OFFSET,
} from './abi.ts';
import type { NativeCrypto } from './ports.ts';
import { ImportedKey } from './signing-key.ts';
import type {
  Candidate,
  CandidateArrays,
  DeviceCore,
  HashStream,
  PriceRequest,
  PriceResult,
  QualityAssessment,
  QualityObservation,
  QualityResult,
  QualitySample,
  QualityState,
  ScoreResult,
  SigningKey,
  SplitResult,
} from './types.ts';

const U64_MAX = 0xffff_ffff_ffff_ffffn;
const SAMPLE_BYTES = 32;
const BASIS_POINTS_MAX = 10_000;

const OUT_OF_RANGE = { ok: false, reason: 'out_of_range' } as const;
const OVERFLOW = { ok: false, reason: 'overflow' } as const;
const EMPTY = { ok: false, reason: 'empty' } as const;

/**
 * Loads the device's module. Throws {@link CoreError} when the bytes are no core of this ABI version. Everything is
 * computed in WebAssembly, as on a device, and nothing of Node is needed: it works in browsers, too.
 */
export function loadDeviceCore(bytes: Uint8Array): DeviceCore {
  return new WasmCore('device', openModule(bytes), null);
}

/** The facade over one instance. Long messages go to `native`; without one, everything stays in the module. */
export class WasmCore<Kind extends 'device' | 'server' = 'device' | 'server'> implements DeviceCore {
  readonly kind: Kind;
  readonly abiVersion = ABI_VERSION;
  readonly candidatesMax: number;
  readonly samplesMax: number;
  readonly candidates: CandidateArrays;
  protected readonly module: Module;
  /** Which key is in which slot; a key whose slot was taken by another is put back before it is used. */
  protected readonly owners: (ImportedKey | undefined)[];
  readonly #call: Module['call'];
  readonly #bytes: Uint8Array;
  readonly #messageAddress: number;
  readonly #inlineBytesMax: number;
  readonly #native: NativeCrypto | null;
  readonly #nativeFromBytes: number;
  readonly #stream: Uint8Array;
  readonly #digest: Uint8Array;
  readonly #tag: Uint8Array;
  readonly #integers: BigUint64Array;
  readonly #values: Float64Array;
  readonly #samples: Float64Array;
  #nextSlot = 0;

  constructor(kind: Kind, module: Module, native: NativeCrypto | null) {
    const { memory, ioAddress, messageAddress, messageBytesMax, candidatesMax } = module;
    this.kind = kind;
    this.module = module;
    this.candidatesMax = candidatesMax;
    this.samplesMax = Math.floor(messageBytesMax / SAMPLE_BYTES);
    this.owners = new Array(module.keySlots).fill(undefined);
    this.#call = module.call;
    this.#bytes = new Uint8Array(memory);
    this.#messageAddress = messageAddress;
    this.#native = native;
    this.#nativeFromBytes = native?.fromBytes ?? Number.POSITIVE_INFINITY;
    this.#inlineBytesMax = Math.min(messageBytesMax, this.#nativeFromBytes - 1);
    this.#stream = new Uint8Array(memory, ioAddress, STREAM_BYTES);
    this.#digest = new Uint8Array(memory, ioAddress + DIGEST_OFFSET, TAG_BYTES);
    this.#tag = new Uint8Array(memory, ioAddress + TAG_OFFSET, TAG_BYTES);
    this.#integers = new BigUint64Array(memory, ioAddress + VALUES_OFFSET, VALUES_COUNT);
    this.#values = new Float64Array(memory, ioAddress + VALUES_OFFSET, VALUES_COUNT);
    this.#samples = new Float64Array(memory, messageAddress, this.samplesMax * 4);
    const array = (index: number) =>
      new Float32Array(memory, module.candidatesAddress + index * candidatesMax * 4, candidatesMax);
    this.candidates = {
      price: array(0),
      latencyMs: array(1),
      utilization: array(2),
      quality: array(3),
      availability: array(4),
      fairness: array(5),
      scores: array(6),
    };
  }

  importKey(secret: Uint8Array): SigningKey {
    const slot = this.#nextSlot;
    this.#nextSlot = (slot + 1) % this.owners.length;
    this.claimSlot(slot);
    // A secret longer than a block stands for its hash (RFC 2104, section 2).
    const short = secret.length > BLOCK_BYTES ? this.#hashInModule(secret) : secret;
    // Hashing leaves the message where it is; the module wipes the first block itself.
    if (short !== secret) this.#wipeMessage();
    this.#bytes.set(short, this.#messageAddress);
    requireOk(this.#call(Operation.IMPORT_KEY, slot, short.length));
    const address = this.module.keysAddress + slot * KEY_BYTES;
    const midstates = this.#bytes.slice(address, address + KEY_BYTES);
    const key = new ImportedKey(slot, midstates, this.#native?.importKey(secret) ?? null);
    this.owners[slot] = key;
    return key;
  }

  sign(key: SigningKey, message: Uint8Array): Uint8Array {
    const tag = new Uint8Array(TAG_BYTES);
    this.signInto(key, message, tag, 0);
    return tag;
  }

  signInto(key: SigningKey, message: Uint8Array, out: Uint8Array, outOffset: number): void {
    const { length } = message;
    if (length > this.#inlineBytesMax) {
      out.set(this.#signLong(key as ImportedKey, message), outOffset);
      return;
    }
    const slot = this.slotOf(key as ImportedKey);
    this.#bytes.set(message, this.#messageAddress);
    requireOk(this.#call(Operation.SIGN, slot, length));
    out.set(this.#digest, outOffset);
  }

  verify(key: SigningKey, message: Uint8Array, tag: Uint8Array): boolean {
    if (tag.length !== TAG_BYTES) return false;
    const { length } = message;
    if (length > this.#inlineBytesMax) return this.#verifyLong(key as ImportedKey, message, tag);
    const slot = this.slotOf(key as ImportedKey);
    this.#bytes.set(message, this.#messageAddress);
    this.#tag.set(tag);
    return isMatch(this.#call(Operation.VERIFY, slot, length));
  }

  sha256(data: Uint8Array): Uint8Array {
    const native = this.#native;
    return native !== null && data.length >= native.fromBytes
      ? native.sha256(data)
      : this.#hashInModule(data);
  }

  createHash(): HashStream {
    this.#call(Operation.START_HASH, 0, 0);
    const state = this.#stream.slice();
    let isOpen = true;
    const resume = () => {
      if (!isOpen) throw new Error('The hash has ended.');
      this.#stream.set(state);
    };
    const stream: HashStream = {
      update: (data) => {
        resume();
        this.#update(data);
        state.set(this.#stream);
        return stream;
      },
      digest: () => {
        resume();
        isOpen = false;
        this.#call(Operation.FINISH_HASH, 0, 0);
        return this.#digest.slice();
      },
    };
    return stream;
  }

  price({ tokens, priceMicrocentsPer1000Tokens, roundingUnitMicrocents = 1n }: PriceRequest): PriceResult {
    const { prompt, cachedPrompt, completion } = priceMicrocentsPer1000Tokens;
    const areCounts = isU64(tokens.prompt) && isU64(tokens.cachedPrompt) && isU64(tokens.completion);
    const arePrices = isU64(prompt) && isU64(cachedPrompt) && isU64(completion);
    if (!areCounts || !arePrices || !isU64(roundingUnitMicrocents)) return OUT_OF_RANGE;
    const integers = this.#integers;
    integers[0] = tokens.prompt;
    integers[1] = tokens.cachedPrompt;
    integers[2] = tokens.completion;
    integers[3] = prompt;
    integers[4] = cachedPrompt;
    integers[5] = completion;
    integers[6] = roundingUnitMicrocents;
    const status = this.#call(Operation.PRICE, 0, 0);
    if (status === Status.OVERFLOW) return OVERFLOW;
    if (status === Status.OUT_OF_RANGE) return OUT_OF_RANGE;
    requireOk(status);
    return { ok: true, costMicrocents: integers[7] as bigint };
  }

  split(costMicrocents: bigint, commissionBasisPoints: number): SplitResult {
    if (!isU64(costMicrocents) || !isBasisPoints(commissionBasisPoints)) return OUT_OF_RANGE;
    this.#integers[7] = costMicrocents;
    requireOk(this.#call(Operation.SPLIT, commissionBasisPoints, 0));
    return {
      ok: true,
      feeMicrocents: this.#integers[8] as bigint,
      earningsMicrocents: this.#integers[9] as bigint,
    };
  }

  weigh(samples: readonly QualitySample[], halfLifeMs: number): QualityResult<QualityAssessment> {
    if (samples.length > this.samplesMax) return OUT_OF_RANGE;
    let at = 0;
    for (const sample of samples) {
      this.#samples[at++] = sample.quality;
      this.#samples[at++] = sample.latency;
      this.#samples[at++] = sample.availability;
      this.#samples[at++] = sample.ageMs;
    }
    this.#values[0] = halfLifeMs;
    const refusal = refusalOf(this.#call(Operation.WEIGH, samples.length, 0));
    return refusal ?? { ok: true, assessment: this.#readAssessment() };
  }

  updateQuality(
    state: QualityState | null,
    observation: QualityObservation,
    halfLifeMs: number,
  ): QualityResult<QualityState> {
    const values = this.#values;
    values[0] = halfLifeMs;
    values[1] = state?.quality ?? 0;
    values[2] = state?.latency ?? 0;
    values[3] = state?.availability ?? 0;
    values[4] = state?.weight ?? 0;
    values[6] = state?.lastTimeMs ?? 0;
    this.#samples[0] = observation.quality;
    this.#samples[1] = observation.latency;
    this.#samples[2] = observation.availability;
    this.#samples[3] = observation.timeMs;
    const refusal = refusalOf(this.#call(Operation.UPDATE_QUALITY, 0, 0));
    return (
      refusal ?? { ok: true, assessment: { ...this.#readAssessment(), lastTimeMs: values[6] as number } }
    );
  }

  score(candidates: readonly Candidate[]): ScoreResult {
    const count = candidates.length;
    if (count > this.candidatesMax) return OUT_OF_RANGE;
    const arrays = this.candidates;
    for (const [i, candidate] of candidates.entries()) {
      arrays.price[i] = candidate.price;
      arrays.quality[i] = candidate.quality;
      arrays.latencyMs[i] = candidate.latencyMs;
      arrays.availability[i] = candidate.availability;
      arrays.fairness[i] = candidate.fairness;
      arrays.utilization[i] = candidate.utilization;
    }
    const refusal = refusalOf(this.#call(Operation.SCORE, count, 0));
    return refusal ?? { ok: true, scores: arrays.scores.slice(0, count) };
  }

  /** The slot a key is in, after putting it there if need be. */
  protected slotOf(key: ImportedKey): number {
    const { slot } = key;
    const { owners } = this;
    if (owners[slot] === key) return slot;
    return this.#install(key);
  }

  /** Called before a slot gets another key. */
  protected claimSlot(slot: number): void {
    this.owners[slot] = undefined;
  }

  #install(key: ImportedKey): number {
    // A key that another core imported may have a slot this one doesn't have.
    const slot = key.slot % this.owners.length;
    if (this.owners[slot] === key) return slot;
    this.claimSlot(slot);
    this.#bytes.set(key.midstates, this.module.keysAddress + slot * KEY_BYTES);
    this.owners[slot] = key;
    return slot;
  }

  #signLong(key: ImportedKey, message: Uint8Array): Uint8Array {
    const { nativeKey } = key;
    if (nativeKey !== null && message.length >= this.#nativeFromBytes) return nativeKey.sign(message);
    const slot = this.#startSignature(key, message);
    requireOk(this.#call(Operation.FINISH_SIGNATURE, slot, 0));
    return this.#digest.slice();
  }

  #verifyLong(key: ImportedKey, message: Uint8Array, tag: Uint8Array): boolean {
    const { nativeKey } = key;
    if (nativeKey !== null && message.length >= this.#nativeFromBytes) return nativeKey.verify(message, tag);
    const slot = this.#startSignature(key, message);
    this.#tag.set(tag);
    return isMatch(this.#call(Operation.FINISH_VERIFICATION, slot, 0));
  }

  /** Takes in a message in parts, and returns the slot of its key. */
  #startSignature(key: ImportedKey, message: Uint8Array): number {
    const slot = this.slotOf(key);
    requireOk(this.#call(Operation.START_SIGNATURE, slot, 0));
    this.#update(message);
    return slot;
  }

  #hashInModule(data: Uint8Array): Uint8Array {
    this.#call(Operation.START_HASH, 0, 0);
    this.#update(data);
    this.#call(Operation.FINISH_HASH, 0, 0);
    return this.#digest.slice();
  }

  #wipeMessage(): void {
    const { messageBytesMax } = this.module;
    this.#bytes.fill(0, this.#messageAddress, this.#messageAddress + messageBytesMax);
  }

  #update(data: Uint8Array): void {
    const { messageBytesMax } = this.module;
    for (let at = 0; at < data.length; at += messageBytesMax) {
      const part = data.length <= messageBytesMax ? data : data.subarray(at, at + messageBytesMax);
      this.#bytes.set(part, this.#messageAddress);
      requireOk(this.#call(Operation.UPDATE, part.length, 0));
    }
  }

  #readAssessment(): QualityAssessment {
    const values = this.#values;
    return {
      quality: values[1] as number,
      latency: values[2] as number,
      availability: values[3] as number,
      combined: values[5] as number,
      weight: values[4] as number,
    };
  }
}

/** Whether a number of basis points is a whole number from 0 to 10,000. */
function isBasisPoints(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= BASIS_POINTS_MAX;
}

/** A status as the refusal it means, or null for OK. Throws {@link CoreError} for one that has no place here. */
export function refusalOf(status: number): typeof EMPTY | typeof OUT_OF_RANGE | null {
  if (status === Status.EMPTY) return EMPTY;
  if (status === Status.OUT_OF_RANGE) return OUT_OF_RANGE;
  requireOk(status);
  return null;
}

/** Whether an integer is unsigned and fits 64 bits. */
function isU64(value: bigint): boolean {
  return value >= 0n && value <= U64_MAX;
}

function isMatch(status: number): boolean {
  if (status === Status.TAG_MISMATCH) return false;
  requireOk(status);
  return true;
}
