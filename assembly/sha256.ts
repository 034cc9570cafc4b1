import { BLOCK, BLOCK_BYTES, BYTE_COUNT, DIGEST, DIGEST_BYTES, IS_CORE, STATE } from './layout';
import { compressFast, compressSmall } from './sha256-compress';
import { INITIAL_STATE } from './sha256-constants';

/** Adds one 64-byte block at `block` to the hash state. */
export function compress(block: usize): void {
  if (IS_CORE) compressFast(block);
  else compressSmall(block);
}

/** Copies 32 bytes: a hash state or a digest. */
export function copyState(target: usize, source: usize): void {
  store<u64>(target, load<u64>(source));
  store<u64>(target, load<u64>(source, 8), 8);
  store<u64>(target, load<u64>(source, 16), 16);
  store<u64>(target, load<u64>(source, 24), 24);
}

/** Sets bytes from `start` up to `end` to zero, and up to seven bytes more. */
export function clear(start: usize, end: usize): void {
  for (; start < end; start += 8) store<u64>(start, 0);
}

/** Begins a hash from a state that has already taken in `byteCount` bytes, a multiple of 64. */
export function startFrom(state: usize, byteCount: u64): void {
  copyState(STATE, state);
  store<u64>(BYTE_COUNT, byteCount);
}

/** Begins a hash (FIPS 180-4, 5.3.3). */
export function start(): void {
  startFrom(INITIAL_STATE, 0);
}

/** Takes in `length` bytes at `source`. Any number of calls, of any lengths, make the same hash as one call. */
export function update(source: usize, length: usize): void {
  let filled = (load<u64>(BYTE_COUNT) as usize) & (BLOCK_BYTES - 1);
  store<u64>(BYTE_COUNT, load<u64>(BYTE_COUNT) + length);
  const end = source + length;
  while (source < end) {
    if (IS_CORE && filled == 0 && end - source >= BLOCK_BYTES) {
      // A whole block is hashed where it lies: faster, and more code than a device should pay for.
      compress(source);
      source += BLOCK_BYTES;
      continue;
    }
    const taken = min(BLOCK_BYTES - filled, end - source);
    const target = BLOCK + filled;
    for (let i: usize = 0; i < taken; i += 8) store<u64>(target + i, load<u64>(source + i));
    source += taken;
    filled += taken;
    if (filled == BLOCK_BYTES) {
      compress(BLOCK);
      filled = 0;
    }
  }
}

/** Pads (FIPS 180-4, 5.1.1) and leaves the hash at `DIGEST`. The stream is over. */
export function finish(): void {
  const byteCount = load<u64>(BYTE_COUNT);
  const filled = (byteCount as usize) & (BLOCK_BYTES - 1);
  store<u8>(filled, 0x80, BLOCK);
  clear(BLOCK + filled + 1, BLOCK + BLOCK_BYTES);
  if (filled >= 56) {
    compress(BLOCK);
    clear(BLOCK, BLOCK + 56);
  }
  let bits = byteCount << 3;
  for (let i = BLOCK + BLOCK_BYTES; i > BLOCK + 56; bits >>= 8) store<u8>(--i, bits);
  compress(BLOCK);
  for (let i: usize = 0; i < DIGEST_BYTES; i += 4) store<u32>(i, bswap(load<u32>(i, STATE)), DIGEST);
}
