import {
  BATCH_ARENA,
  BATCH_ARENA_BYTES,
  BATCH_LENGTHS,
  BATCH_MAX,
  BATCH_OFFSETS,
  BATCH_SLOTS,
  BATCH_TAGS,
  BLOCK_BYTES,
  DIGEST_BYTES,
  KEY_BYTES,
  KEY_SLOTS,
  KEYS,
  LANE_BYTES,
  LANES,
  LANES_STATE,
} from './layout';
import { compressFourLanes } from './sha256-four-lanes';
import { STATUS_OK, STATUS_OUT_OF_RANGE } from './status';

// A lane works through its message in three stretches of blocks: those that lie whole in the arena, the padded tail, and
// the outer hash. Then it takes the next message, whatever the other lanes are doing, so lengths may mix without a
// lane standing still.
const WHOLE: u32 = 0;
const TAIL: u32 = 1;
const OUTER: u32 = 2;
const IDLE: u32 = 3;

// In a lane: its tail, its outer block, and its progress.
const TAIL_BLOCKS: usize = 0;
const OUTER_BLOCK: usize = 128;
const CURSOR: usize = 192;
const BLOCKS_LEFT: usize = 196;
const STRETCH: usize = 200;
const TAIL_LEFT: usize = 204;
const ITEM: usize = 208;

function laneAt(lane: u32): usize {
  return LANES + (lane as usize) * LANE_BYTES;
}

// Word `i` of the lane's hash state is at `+ 16 * i`.
function stateOf(lane: u32): usize {
  return LANES_STATE + (lane as usize) * 4;
}

function loadMidstate(lane: u32, midstate: usize): void {
  const state = stateOf(lane);
  for (let i: usize = 0; i < 8; i++) store<u32>(state + i * 16, load<u32>(midstate + i * 4));
}

function storeDigest(lane: u32, target: usize): void {
  const state = stateOf(lane);
  for (let i: usize = 0; i < 8; i++) store<u32>(target + i * 4, bswap(load<u32>(state + i * 16)));
}

function keyOf(item: u32): usize {
  return KEYS + (load<u32>(BATCH_SLOTS + (item as usize) * 4) as usize) * KEY_BYTES;
}

// The rest of a message and its padding (FIPS 180-4, 5.1.1): one block, or two. Returns how many.
function padTail(tail: usize, source: usize, rest: usize, length: u32): u32 {
  // Reads up to the end of the block; what lies behind the message is cleared by the mask.
  let positions = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const end = i8x16.splat(rest as i8);
  for (let i: usize = 0; i < BLOCK_BYTES; i += 16) {
    v128.store(tail + i, v128.and(v128.load(source + i), i8x16.lt_u(positions, end)));
    positions = i8x16.add(positions, i8x16.splat(16));
  }
  store<u8>(tail + rest, 0x80);
  let last = tail;
  if (rest >= 56) {
    last += BLOCK_BYTES;
    v128.store(last, i64x2.splat(0));
    v128.store(last + 16, i64x2.splat(0));
    v128.store(last + 32, i64x2.splat(0));
    store<u64>(last, 0, 48);
  }
  // The key's block counts too.
  store<u32>(last, bswap((length + 64) >> 29), 56);
  store<u32>(last, bswap((length + 64) << 3), 60);
  return last == tail ? 1 : 2;
}

function startMessage(lane: u32, item: u32): void {
  const at = laneAt(lane);
  const length = load<u32>(BATCH_LENGTHS + (item as usize) * 4);
  const source = BATCH_ARENA + load<u32>(BATCH_OFFSETS + (item as usize) * 4);
  const whole = length / 64;
  const tailBlocks = padTail(at + TAIL_BLOCKS, source + (whole as usize) * BLOCK_BYTES, length & 63, length);
  loadMidstate(lane, keyOf(item));
  store<u32>(at + ITEM, item);
  if (whole > 0) {
    store<usize>(at + CURSOR, source);
    store<u32>(at + BLOCKS_LEFT, whole);
    store<u32>(at + STRETCH, WHOLE);
    store<u32>(at + TAIL_LEFT, tailBlocks);
  } else {
    store<usize>(at + CURSOR, at + TAIL_BLOCKS);
    store<u32>(at + BLOCKS_LEFT, tailBlocks);
    store<u32>(at + STRETCH, TAIL);
  }
}

// After the last block of a stretch. Returns whether the message is done.
function endStretch(lane: u32): bool {
  const at = laneAt(lane);
  const stretch = load<u32>(at + STRETCH);
  if (stretch == WHOLE) {
    store<usize>(at + CURSOR, at + TAIL_BLOCKS);
    store<u32>(at + BLOCKS_LEFT, load<u32>(at + TAIL_LEFT));
    store<u32>(at + STRETCH, TAIL);
    return false;
  }
  const item = load<u32>(at + ITEM);
  if (stretch == TAIL) {
    storeDigest(lane, at + OUTER_BLOCK);
    loadMidstate(lane, keyOf(item) + DIGEST_BYTES);
    store<usize>(at + CURSOR, at + OUTER_BLOCK);
    store<u32>(at + BLOCKS_LEFT, 1);
    store<u32>(at + STRETCH, OUTER);
    return false;
  }
  storeDigest(lane, BATCH_TAGS + (item as usize) * DIGEST_BYTES);
  return true;
}

function areMessages(from: u32, to: u32): bool {
  if (to > BATCH_MAX || from > to) return false;
  for (let item = from; item < to; item++) {
    const at = (item as usize) * 4;
    const end = (load<u32>(BATCH_OFFSETS + at) as u64) + (load<u32>(BATCH_LENGTHS + at) as u64);
    if (end > BATCH_ARENA_BYTES || load<u32>(BATCH_SLOTS + at) >= KEY_SLOTS) return false;
  }
  return true;
}

/**
 * Signs messages `from` up to `to`, each under its own key, four at a time: HMAC-SHA256 (RFC 2104), 32 bytes a message at
 * `BATCH_TAGS`. Offsets, lengths and key slots are at their arrays, messages in the arena. Refuses more messages than fit,
 * a message outside the arena and a slot that isn't there with `STATUS_OUT_OF_RANGE`, and then signs none.
 */
export function signBatch(from: u32, to: u32): i32 {
  if (!areMessages(from, to)) return STATUS_OUT_OF_RANGE;
  // An idle lane hashes its own tail over and over; nobody reads the result.
  let next = from;
  let busy: u32 = 0;
  for (let lane: u32 = 0; lane < 4; lane++) {
    const at = laneAt(lane);
    // The outer hash's padding: 96 bytes in all, of which 32 come before it (FIPS 180-4, 5.1.1).
    v128.store(at + OUTER_BLOCK, i32x4(0x80, 0, 0, 0), 32);
    v128.store(at + OUTER_BLOCK, i32x4(0, 0, 0, 0x0003_0000), 48);
    store<usize>(at + CURSOR, at + TAIL_BLOCKS);
    store<u32>(at + STRETCH, IDLE);
    if (next < to) {
      startMessage(lane, next++);
      busy++;
    }
  }
  while (busy > 0) {
    compressFourLanes(
      load<usize>(LANES + CURSOR),
      load<usize>(LANES + LANE_BYTES + CURSOR),
      load<usize>(LANES + 2 * LANE_BYTES + CURSOR),
      load<usize>(LANES + 3 * LANE_BYTES + CURSOR),
    );
    for (let lane: u32 = 0; lane < 4; lane++) {
      const at = laneAt(lane);
      if (load<u32>(at + STRETCH) == IDLE) continue;
      const left = load<u32>(at + BLOCKS_LEFT) - 1;
      store<u32>(at + BLOCKS_LEFT, left);
      store<usize>(at + CURSOR, load<usize>(at + CURSOR) + BLOCK_BYTES);
      if (left > 0 || !endStretch(lane)) continue;
      if (next < to) {
        startMessage(lane, next++);
      } else {
        store<usize>(at + CURSOR, at + TAIL_BLOCKS);
        store<u32>(at + STRETCH, IDLE);
        busy--;
      }
    }
  }
  return STATUS_OK;
}
