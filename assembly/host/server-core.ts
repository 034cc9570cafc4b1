import { openModule, requireServerExports, TAG_BYTES } from './abi.ts';
import { refusalOf, WasmCore } from './device-core.ts';
import { createNodeCrypto } from './node-crypto.ts';
import { ArenaBatch } from './signature-batch.ts';
import { ModuleCipher } from './text-cipher.ts';
import type { ScoreBatchResult, ServerCore, SigningKey } from './types.ts';

/** Settings of {@link loadServerCore}. */
export interface ServerCoreOptions {
  /**
   * Messages of this many bytes and more are hashed and signed by node:crypto, whose OpenSSL uses the processor's SHA
   * instructions; below, the call into it costs more than it saves. `Infinity` keeps everything in the module.
   */
  readonly nodeCryptoFromBytes?: number;
}

// Measured by `npm run bench -- core`: the two are equal at about this length.
const NODE_CRYPTO_FROM_BYTES = 640;
// Four lanes gain on node:crypto up to about this length.
const BATCH_MESSAGE_BYTES_MAX = 2048;
// Messages of a batch begin at multiples of a vector's length.
const ALIGNMENT = 16;

/**
 * Loads the server's module. Throws `CoreError` when the bytes are no core of this ABI version, `CORE_WRONG_KIND` when they
 * are the device's.
 */
export function loadServerCore(bytes: Uint8Array, options: ServerCoreOptions = {}): ServerCore {
  return new WasmServerCore(bytes, options.nodeCryptoFromBytes ?? NODE_CRYPTO_FROM_BYTES);
}

class WasmServerCore extends WasmCore<'server'> implements ServerCore {
  readonly batch: ArenaBatch;
  readonly cipher: ModuleCipher;
  readonly #scoreBatch: (count: number) => number;

  constructor(bytes: Uint8Array, nodeCryptoFromBytes: number) {
    const module = openModule(bytes);
    const exports = requireServerExports(module.exports);
    super(
      'server',
      module,
      Number.isFinite(nodeCryptoFromBytes) ? createNodeCrypto(nodeCryptoFromBytes) : null,
    );
    this.#scoreBatch = exports.scoreBatch;
    this.cipher = new ModuleCipher(module.memory, exports);
    this.batch = new ArenaBatch(module.memory, exports, module.keySlots, (key) => this.slotOf(key));
  }

  signBatch(
    keys: readonly SigningKey[],
    messages: readonly Uint8Array[],
    tags: Uint8Array | readonly Uint8Array[],
    offset = 0,
  ): void {
    requireSameLength(keys.length, messages.length);
    requireRoom(tags, keys.length, offset);
    const { batch } = this;
    this.#inRounds(keys, messages, (from) => writeTags(batch.tags, batch.count, tags, offset, from));
  }

  signForKeys(
    message: Uint8Array,
    keys: readonly SigningKey[],
    tags: Uint8Array | readonly Uint8Array[],
    offset = 0,
  ): void {
    const { batch } = this;
    requireRoom(tags, keys.length, offset);
    if (message.length > BATCH_MESSAGE_BYTES_MAX) {
      for (const [i, key] of keys.entries()) writeTags(this.sign(key, message), 1, tags, offset, i);
      return;
    }
    batch.arena.set(message);
    for (let from = 0; from < keys.length; from += batch.countMax) {
      batch.clear();
      const to = Math.min(keys.length, from + batch.countMax);
      for (let i = from; i < to; i++) batch.add(keys[i] as SigningKey, 0, message.length);
      batch.sign();
      writeTags(batch.tags, batch.count, tags, offset, from);
    }
    batch.clear();
  }

  scoreBatch(count: number): ScoreBatchResult {
    return refusalOf(this.#scoreBatch(count)) ?? { ok: true };
  }

  protected override claimSlot(slot: number): void {
    this.batch.releaseSlot(slot);
    super.claimSlot(slot);
  }

  // Signs messages in as many rounds as the arena needs, and calls `finish` with the number of each round's first message
  // while the batch still holds its tags.
  #inRounds(
    keys: readonly SigningKey[],
    messages: readonly Uint8Array[],
    finish: (from: number) => void,
  ): void {
    const { batch } = this;
    const { arena } = batch;
    let from = 0;
    while (from < keys.length) {
      batch.clear();
      const long: number[] = [];
      let end = 0;
      let to = from;
      for (; to < keys.length && batch.count < batch.countMax; to++) {
        const key = keys[to] as SigningKey;
        const message = messages[to] as Uint8Array;
        const { length } = message;
        if (length > BATCH_MESSAGE_BYTES_MAX) {
          // Keeps its place among the tags; it is signed alone below.
          long.push(to);
          batch.add(key, 0, 0);
          continue;
        }
        if (end + length > arena.length) break;
        arena.set(message, end);
        batch.add(key, end, length);
        end += (length + ALIGNMENT - 1) & -ALIGNMENT;
      }
      batch.sign();
      for (const i of long) {
        batch.tags.set(this.sign(keys[i] as SigningKey, messages[i] as Uint8Array), (i - from) * TAG_BYTES);
      }
      finish(from);
      from = to;
    }
    batch.clear();
  }
}

function requireSameLength(keys: number, others: number): void {
  if (keys !== others) throw new RangeError(`${keys} keys, but ${others} messages.`);
}

function requireRoom(tags: Uint8Array | readonly Uint8Array[], count: number, offset: number): void {
  if (tags instanceof Uint8Array) {
    if (tags.length < offset + count * TAG_BYTES) throw new RangeError(`No room for ${count} tags.`);
    return;
  }
  requireSameLength(count, tags.length);
  for (const tag of tags) {
    if (tag.length < offset + TAG_BYTES) throw new RangeError('No room for a tag in one of the buffers.');
  }
}

// Copies `count` tags to where those of messages `from` and following belong.
function writeTags(
  source: Uint8Array,
  count: number,
  tags: Uint8Array | readonly Uint8Array[],
  offset: number,
  from: number,
): void {
  if (tags instanceof Uint8Array) {
    tags.set(source.subarray(0, count * TAG_BYTES), offset + from * TAG_BYTES);
    return;
  }
  for (let i = 0; i < count; i++) {
    const target = tags[from + i] as Uint8Array;
    for (let j = 0; j < TAG_BYTES; j++) target[offset + j] = source[i * TAG_BYTES + j] as number;
  }
}
