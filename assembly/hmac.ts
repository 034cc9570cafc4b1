import {
  BLOCK,
  BLOCK_BYTES,
  DIGEST,
  DIGEST_BYTES,
  KEY_BYTES,
  KEYS,
  MESSAGE,
  SCHEDULE,
  SCHEDULE_BYTES,
  STATE,
  TAG,
} from './layout';
import { clear, compress, copyState, finish, start, startFrom, update } from './sha256';
import { STATUS_OK, STATUS_TAG_MISMATCH } from './status';

// RFC 2104, section 2, eight bytes at a time.
const INNER_PAD: u64 = 0x3636363636363636;
const OUTER_PAD: u64 = 0x5c5c5c5c5c5c5c5c;

function keyAt(slot: u32): usize {
  return KEYS + (slot as usize) * KEY_BYTES;
}

/**
 * Makes a key's two midstates out of the secret of `length` bytes at `MESSAGE` and keeps them in a slot (RFC 2104,
 * section 4). At most 64 bytes: the hash of a longer secret stands for it. The secret is wiped from memory.
 */
export function importKey(slot: u32, length: usize): void {
  clear(MESSAGE + length, MESSAGE + BLOCK_BYTES);
  const key = keyAt(slot);
  let pad: u64 = INNER_PAD;
  for (let half: usize = 0; half < KEY_BYTES; half += DIGEST_BYTES) {
    start();
    for (let i: usize = 0; i < BLOCK_BYTES; i += 8) store<u64>(i, load<u64>(i, MESSAGE) ^ pad, BLOCK);
    compress(BLOCK);
    copyState(key + half, STATE);
    pad ^= INNER_PAD ^ OUTER_PAD;
  }
  clear(MESSAGE, MESSAGE + BLOCK_BYTES);
  clear(BLOCK, SCHEDULE + SCHEDULE_BYTES);
}

/** Begins a signature; the message follows by `update`. */
export function startSignature(slot: u32): void {
  startFrom(keyAt(slot), BLOCK_BYTES);
}

/** Ends a signature and leaves the tag, HMAC-SHA256 (RFC 2104), at `DIGEST`. */
export function finishSignature(slot: u32): void {
  finish();
  startFrom(keyAt(slot) + DIGEST_BYTES, BLOCK_BYTES);
  update(DIGEST, DIGEST_BYTES);
  finish();
}

/** Whether 32 bytes are the same. It takes the same time wherever they differ. */
export function sameTag(left: usize, right: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < DIGEST_BYTES; i += 8) difference |= load<u64>(left + i) ^ load<u64>(right + i);
  return difference == 0;
}

/** Compares the tag just made with the one at `TAG`. Refuses with `STATUS_TAG_MISMATCH`. */
export function compareTag(): i32 {
  return sameTag(DIGEST, TAG) ? STATUS_OK : STATUS_TAG_MISMATCH;
}
