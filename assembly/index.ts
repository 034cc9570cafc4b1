// The ABI of core.wasm: everything the device can do, by the same entry, and batches with SIMD.
import * as layout from './layout';
import { scoreFourLanes } from './scoring-four-lanes';
import { STATUS_OUT_OF_RANGE } from './status';

export { openText, sealText } from './chacha20-poly1305';
export { call } from './commands';
export { signBatch } from './hmac-batch';

export const batchMax: u32 = layout.BATCH_MAX;
export const batchOffsetsAddress: usize = layout.BATCH_OFFSETS;
export const batchLengthsAddress: usize = layout.BATCH_LENGTHS;
export const batchSlotsAddress: usize = layout.BATCH_SLOTS;
export const batchTagsAddress: usize = layout.BATCH_TAGS;
export const batchArenaAddress: usize = layout.BATCH_ARENA;
export const batchArenaBytes: u32 = layout.BATCH_ARENA_BYTES;

export const cipherAddress: usize = layout.CIPHER;
export const cipherTextBytesMax: u32 = layout.CIPHER_TEXT_BYTES_MAX;

/** Scores `count` candidates with SIMD; the same bits as the operation SCORE. Refuses what it refuses, too many too. */
export function scoreBatch(count: u32): i32 {
  return count > layout.CANDIDATES_MAX ? STATUS_OUT_OF_RANGE : scoreFourLanes(count);
}
