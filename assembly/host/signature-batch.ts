import { type BatchExports, requireOk, TAG_BYTES } from './abi.ts';
import type { ImportedKey } from './signing-key.ts';
import type { SignatureBatch, SigningKey } from './types.ts';

/** The one batch of a server's core. */
export class ArenaBatch implements SignatureBatch {
  readonly arena: Uint8Array;
  readonly tags: Uint8Array;
  readonly countMax: number;
  count = 0;
  readonly #slotOf: (key: ImportedKey) => number;
  readonly #sign: BatchExports['signBatch'];
  readonly #offsets: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #slots: Uint32Array;
  /** 1 for each slot whose key a message needs that was added and isn't signed yet. */
  readonly #needed: Uint8Array;
  #signedCount = 0;

  constructor(
    memory: ArrayBuffer,
    exports: BatchExports,
    keySlots: number,
    slotOf: (key: ImportedKey) => number,
  ) {
    const { batchMax } = exports;
    this.countMax = batchMax;
    this.arena = new Uint8Array(memory, exports.batchArenaAddress, exports.batchArenaBytes);
    this.tags = new Uint8Array(memory, exports.batchTagsAddress, batchMax * TAG_BYTES);
    this.#slotOf = slotOf;
    this.#sign = exports.signBatch;
    this.#offsets = new Uint32Array(memory, exports.batchOffsetsAddress, batchMax);
    this.#lengths = new Uint32Array(memory, exports.batchLengthsAddress, batchMax);
    this.#slots = new Uint32Array(memory, exports.batchSlotsAddress, batchMax);
    this.#needed = new Uint8Array(keySlots);
  }

  clear(): void {
    this.#needNothing();
    this.count = 0;
    this.#signedCount = 0;
  }

  add(key: SigningKey, offset: number, length: number): void {
    const item = this.count;
    if (item === this.countMax) throw new RangeError(`A batch holds ${this.countMax} messages.`);
    // A whole number that fits 32 bits is unchanged by the shift.
    const isWhole = offset >>> 0 === offset && length >>> 0 === length;
    if (!isWhole || offset + length > this.arena.length) {
      throw new RangeError("The message doesn't lie in the batch's arena.");
    }
    const slot = this.#slotOf(key as ImportedKey);
    this.#needed[slot] = 1;
    this.#offsets[item] = offset;
    this.#lengths[item] = length;
    this.#slots[item] = slot;
    this.count = item + 1;
  }

  sign(): void {
    if (this.#signedCount === this.count) return;
    requireOk(this.#sign(this.#signedCount, this.count));
    this.#needNothing();
    this.#signedCount = this.count;
  }

  /** Signs what needs the key in a slot, before the slot gets another key. */
  releaseSlot(slot: number): void {
    if (this.#needed[slot] === 1) this.sign();
  }

  #needNothing(): void {
    for (let item = this.#signedCount; item < this.count; item++)
      this.#needed[this.#slots[item] as number] = 0;
  }
}
