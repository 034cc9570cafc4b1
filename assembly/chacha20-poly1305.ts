import {
  CIPHER_ASSOCIATED,
  CIPHER_ASSOCIATED_BYTES_MAX,
  CIPHER_COUNTER,
  CIPHER_KEY,
  CIPHER_STREAM,
  CIPHER_TAG,
  CIPHER_TAG_BYTES,
  CIPHER_TEXT,
  CIPHER_TEXT_BYTES_MAX,
} from './layout';
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_TAG_MISMATCH } from './status';

const BLOCK_BYTES: usize = 64;
/** 26 bits of a number that is kept in five parts. */
const LOW_26: u64 = 0x3ffffff;

/**
 * Encrypts the text of `length` bytes in its place, and leaves its tag (RFC 8439, section 2.8). Key, nonce and associated data are at
 * their places. Refuses a text or associated data that are too long for them.
 */
export function sealText(length: u32, associatedLength: u32): i32 {
  if (!fits(length, associatedLength)) return STATUS_OUT_OF_RANGE;
  encrypt(length);
  authenticate(length, associatedLength, CIPHER_TAG);
  wipeStream();
  return STATUS_OK;
}

/** The same backwards: decrypts the text where the tag is its own, compared in constant time, and else leaves it as it is. */
export function openText(length: u32, associatedLength: u32): i32 {
  if (!fits(length, associatedLength)) return STATUS_OUT_OF_RANGE;
  // The tag that it should have lies behind the one it has.
  const expected = CIPHER_TAG + CIPHER_TAG_BYTES;
  authenticate(length, associatedLength, expected);
  const difference =
    (load<u64>(CIPHER_TAG) ^ load<u64>(expected)) | (load<u64>(CIPHER_TAG, 8) ^ load<u64>(expected, 8));
  const isRight = difference == 0;
  if (isRight) encrypt(length);
  store<u64>(expected, 0);
  store<u64>(expected, 0, 8);
  wipeStream();
  return isRight ? STATUS_OK : STATUS_TAG_MISMATCH;
}

function fits(length: u32, associatedLength: u32): bool {
  return length <= CIPHER_TEXT_BYTES_MAX && associatedLength <= CIPHER_ASSOCIATED_BYTES_MAX;
}

function wipeStream(): void {
  for (let at: usize = 0; at < BLOCK_BYTES; at += 8) store<u64>(CIPHER_STREAM + at, 0);
}

/** The text and the keystream from block 1 on, in whole blocks: behind the text there is room for one. */
function encrypt(length: usize): void {
  let counter: u32 = 1;
  for (let at: usize = 0; at < length; at += BLOCK_BYTES) {
    makeStream(counter++);
    const text = CIPHER_TEXT + at;
    for (let part: usize = 0; part < BLOCK_BYTES; part += 16) {
      v128.store(text + part, v128.xor(v128.load(text + part), v128.load(CIPHER_STREAM + part)));
    }
  }
}

/** Rows of the state rotated to the left, by whole bytes. */
function rotate16(row: v128): v128 {
  return i8x16.shuffle(row, row, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

function rotate8(row: v128): v128 {
  return i8x16.shuffle(row, row, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

function rotate12(row: v128): v128 {
  return v128.or(i32x4.shl(row, 12), i32x4.shr_u(row, 20));
}

function rotate7(row: v128): v128 {
  return v128.or(i32x4.shl(row, 7), i32x4.shr_u(row, 25));
}

/** A block of the keystream (RFC 8439, section 2.3), a row of the state in each vector. */
function makeStream(counter: u32): void {
  store<u32>(CIPHER_COUNTER, counter);
  const a0 = i32x4(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
  const b0 = v128.load(CIPHER_KEY);
  const c0 = v128.load(CIPHER_KEY, 16);
  const d0 = v128.load(CIPHER_COUNTER);
  let a = a0;
  let b = b0;
  let c = c0;
  let d = d0;
  for (let round: i32 = 0; round < 10; round++) {
    a = i32x4.add(a, b);
    d = rotate16(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate12(v128.xor(b, c));
    a = i32x4.add(a, b);
    d = rotate8(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate7(v128.xor(b, c));
    // The columns of the next round are the diagonals of this one.
    b = v128.shuffle<u32>(b, b, 1, 2, 3, 0);
    c = v128.shuffle<u32>(c, c, 2, 3, 0, 1);
    d = v128.shuffle<u32>(d, d, 3, 0, 1, 2);
    a = i32x4.add(a, b);
    d = rotate16(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate12(v128.xor(b, c));
    a = i32x4.add(a, b);
    d = rotate8(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate7(v128.xor(b, c));
    b = v128.shuffle<u32>(b, b, 3, 0, 1, 2);
    c = v128.shuffle<u32>(c, c, 2, 3, 0, 1);
    d = v128.shuffle<u32>(d, d, 1, 2, 3, 0);
  }
  v128.store(CIPHER_STREAM, i32x4.add(a, a0));
  v128.store(CIPHER_STREAM, i32x4.add(b, b0), 16);
  v128.store(CIPHER_STREAM, i32x4.add(c, c0), 32);
  v128.store(CIPHER_STREAM, i32x4.add(d, d0), 48);
}

/** Zeros from `start` up to the next multiple of 16 behind the base of the text. */
function padTo(start: usize, end: usize): void {
  for (let at = start; at < end; at++) store<u8>(at, 0);
}

/**
 * Writes the tag of associated data and ciphertext to `target` (RFC 8439, sections 2.5 and 2.8). Both lie in one piece, each filled up
 * with zeros to a multiple of 16 bytes, and their lengths behind them.
 */
function authenticate(length: usize, associatedLength: usize, target: usize): void {
  makeStream(0);
  const end = CIPHER_TEXT + ((length + 15) & ~15);
  padTo(CIPHER_ASSOCIATED + associatedLength, CIPHER_TEXT);
  padTo(CIPHER_TEXT + length, end);
  store<u64>(end, associatedLength);
  store<u64>(end, length, 8);
  // No associated data is no block.
  const start = associatedLength == 0 ? CIPHER_TEXT : CIPHER_ASSOCIATED;
  poly1305(start, end + 16, target);
}

/** Poly1305 of whole blocks of 16 bytes, with the one-time key at CIPHER_STREAM: numbers in five parts of 26 bits. */
function poly1305(start: usize, end: usize, target: usize): void {
  const r0: u64 = load<u32>(CIPHER_STREAM) & 0x3ffffff;
  const r1: u64 = (load<u32>(CIPHER_STREAM, 3) >> 2) & 0x3ffff03;
  const r2: u64 = (load<u32>(CIPHER_STREAM, 6) >> 4) & 0x3ffc0ff;
  const r3: u64 = (load<u32>(CIPHER_STREAM, 9) >> 6) & 0x3f03fff;
  const r4: u64 = (load<u32>(CIPHER_STREAM, 12) >> 8) & 0x00fffff;
  const s1 = r1 * 5;
  const s2 = r2 * 5;
  const s3 = r3 * 5;
  const s4 = r4 * 5;
  let h0: u64 = 0;
  let h1: u64 = 0;
  let h2: u64 = 0;
  let h3: u64 = 0;
  let h4: u64 = 0;
  for (let at = start; at < end; at += 16) {
    h0 += load<u32>(at) & 0x3ffffff;
    h1 += (load<u32>(at, 3) >> 2) & 0x3ffffff;
    h2 += (load<u32>(at, 6) >> 4) & 0x3ffffff;
    h3 += load<u32>(at, 9) >> 6;
    h4 += (load<u32>(at, 12) >> 8) | 0x1000000;
    const d0 = h0 * r0 + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
    const d1 = h0 * r1 + h1 * r0 + h2 * s4 + h3 * s3 + h4 * s2 + (d0 >> 26);
    const d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s4 + h4 * s3 + (d1 >> 26);
    const d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s4 + (d2 >> 26);
    const d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + (d3 >> 26);
    h0 = (d0 & LOW_26) + (d4 >> 26) * 5;
    h1 = (d1 & LOW_26) + (h0 >> 26);
    h0 &= LOW_26;
    h2 = d2 & LOW_26;
    h3 = d3 & LOW_26;
    h4 = d4 & LOW_26;
  }
  h2 += h1 >> 26;
  h1 &= LOW_26;
  h3 += h2 >> 26;
  h2 &= LOW_26;
  h4 += h3 >> 26;
  h3 &= LOW_26;
  h0 += (h4 >> 26) * 5;
  h4 &= LOW_26;
  h1 += h0 >> 26;
  h0 &= LOW_26;
  // h + 5 - 2^130 in place of h where that is not negative, chosen without a branch.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26);
  let g2 = h2 + (g1 >> 26);
  let g3 = h3 + (g2 >> 26);
  const g4 = h4 + (g3 >> 26) - 0x4000000;
  g0 &= LOW_26;
  g1 &= LOW_26;
  g2 &= LOW_26;
  g3 &= LOW_26;
  const keep: u64 = 0 - (g4 >> 63);
  h0 = (h0 & keep) | (g0 & ~keep);
  h1 = (h1 & keep) | (g1 & ~keep);
  h2 = (h2 & keep) | (g2 & ~keep);
  h3 = (h3 & keep) | (g3 & ~keep);
  h4 = (h4 & keep) | (g4 & ~keep);
  // The number in four words, and the second half of the key added to it, modulo 2^128.
  let sum = ((h0 | (h1 << 26)) & 0xffffffff) + load<u32>(CIPHER_STREAM, 16);
  store<u32>(target, sum as u32);
  sum = (((h1 >> 6) | (h2 << 20)) & 0xffffffff) + load<u32>(CIPHER_STREAM, 20) + (sum >> 32);
  store<u32>(target, sum as u32, 4);
  sum = (((h2 >> 12) | (h3 << 14)) & 0xffffffff) + load<u32>(CIPHER_STREAM, 24) + (sum >> 32);
  store<u32>(target, sum as u32, 8);
  sum = (((h3 >> 18) | (h4 << 8)) & 0xffffffff) + load<u32>(CIPHER_STREAM, 28) + (sum >> 32);
  store<u32>(target, sum as u32, 12);
}
