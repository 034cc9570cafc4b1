import { LANES_STATE } from './layout';
import { ROUND_CONSTANTS } from './sha256-constants';

// SHA-256 of four blocks at once, one a lane. A vector holds the same word of four hashes. The functions are those of
// FIPS 180-4, 4.1.2; SIMD has no rotation, so each is two shifts and an or.

function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
}

function sum0(x: v128): v128 {
  return v128.xor(v128.xor(rotate(x, 2), rotate(x, 13)), rotate(x, 22));
}

function sum1(x: v128): v128 {
  return v128.xor(v128.xor(rotate(x, 6), rotate(x, 11)), rotate(x, 25));
}

function sigma0(x: v128): v128 {
  return v128.xor(v128.xor(rotate(x, 7), rotate(x, 18)), i32x4.shr_u(x, 3));
}

function sigma1(x: v128): v128 {
  return v128.xor(v128.xor(rotate(x, 17), rotate(x, 19)), i32x4.shr_u(x, 10));
}

function firstHalf(e: v128, f: v128, g: v128, h: v128, wk: v128): v128 {
  const choose = v128.xor(g, v128.and(e, v128.xor(f, g)));
  return i32x4.add(i32x4.add(i32x4.add(h, wk), choose), sum1(e));
}

function secondHalf(a: v128, b: v128, c: v128, t: v128): v128 {
  const majority = v128.xor(b, v128.and(v128.xor(a, b), v128.xor(c, b)));
  return i32x4.add(i32x4.add(t, majority), sum0(a));
}

function schedule(w: v128, next: v128, ninth: v128, fourteenth: v128): v128 {
  return i32x4.add(i32x4.add(w, sigma0(next)), i32x4.add(ninth, sigma1(fourteenth)));
}

function bigEndian(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

// Of two vectors: their even words, or their odd ones, after pairs of words were interleaved.
function lowPairs(x: v128, y: v128): v128 {
  return i32x4.shuffle(x, y, 0, 4, 1, 5);
}

function highPairs(x: v128, y: v128): v128 {
  return i32x4.shuffle(x, y, 2, 6, 3, 7);
}

function lowHalves(x: v128, y: v128): v128 {
  return i64x2.shuffle(x, y, 0, 2);
}

function highHalves(x: v128, y: v128): v128 {
  return i64x2.shuffle(x, y, 1, 3);
}

/**
 * Adds one 64-byte block to each of the four hash states at `LANES_STATE` (FIPS 180-4, 6.2.2). The blocks may lie
 * anywhere, at any alignment.
 */
export function compressFourLanes(block0: usize, block1: usize, block2: usize, block3: usize): void {
  let r0 = bigEndian(v128.load(block0));
  let r1 = bigEndian(v128.load(block1));
  let r2 = bigEndian(v128.load(block2));
  let r3 = bigEndian(v128.load(block3));
  let p0 = lowPairs(r0, r1);
  let p1 = lowPairs(r2, r3);
  let p2 = highPairs(r0, r1);
  let p3 = highPairs(r2, r3);
  let w0 = lowHalves(p0, p1);
  let w1 = highHalves(p0, p1);
  let w2 = lowHalves(p2, p3);
  let w3 = highHalves(p2, p3);
  r0 = bigEndian(v128.load(block0, 16));
  r1 = bigEndian(v128.load(block1, 16));
  r2 = bigEndian(v128.load(block2, 16));
  r3 = bigEndian(v128.load(block3, 16));
  p0 = lowPairs(r0, r1);
  p1 = lowPairs(r2, r3);
  p2 = highPairs(r0, r1);
  p3 = highPairs(r2, r3);
  let w4 = lowHalves(p0, p1);
  let w5 = highHalves(p0, p1);
  let w6 = lowHalves(p2, p3);
  let w7 = highHalves(p2, p3);
  r0 = bigEndian(v128.load(block0, 32));
  r1 = bigEndian(v128.load(block1, 32));
  r2 = bigEndian(v128.load(block2, 32));
  r3 = bigEndian(v128.load(block3, 32));
  p0 = lowPairs(r0, r1);
  p1 = lowPairs(r2, r3);
  p2 = highPairs(r0, r1);
  p3 = highPairs(r2, r3);
  let w8 = lowHalves(p0, p1);
  let w9 = highHalves(p0, p1);
  let w10 = lowHalves(p2, p3);
  let w11 = highHalves(p2, p3);
  r0 = bigEndian(v128.load(block0, 48));
  r1 = bigEndian(v128.load(block1, 48));
  r2 = bigEndian(v128.load(block2, 48));
  r3 = bigEndian(v128.load(block3, 48));
  p0 = lowPairs(r0, r1);
  p1 = lowPairs(r2, r3);
  p2 = highPairs(r0, r1);
  p3 = highPairs(r2, r3);
  let w12 = lowHalves(p0, p1);
  let w13 = highHalves(p0, p1);
  let w14 = lowHalves(p2, p3);
  let w15 = highHalves(p2, p3);
  let a = v128.load(LANES_STATE);
  let b = v128.load(LANES_STATE, 16);
  let c = v128.load(LANES_STATE, 32);
  let d = v128.load(LANES_STATE, 48);
  let e = v128.load(LANES_STATE, 64);
  let f = v128.load(LANES_STATE, 80);
  let g = v128.load(LANES_STATE, 96);
  let h = v128.load(LANES_STATE, 112);
  let k = ROUND_CONSTANTS;
  h = firstHalf(e, f, g, h, i32x4.add(w0, v128.load32_splat(k)));
  d = i32x4.add(d, h);
  h = secondHalf(a, b, c, h);
  g = firstHalf(d, e, f, g, i32x4.add(w1, v128.load32_splat(k, 4)));
  c = i32x4.add(c, g);
  g = secondHalf(h, a, b, g);
  f = firstHalf(c, d, e, f, i32x4.add(w2, v128.load32_splat(k, 8)));
  b = i32x4.add(b, f);
  f = secondHalf(g, h, a, f);
  e = firstHalf(b, c, d, e, i32x4.add(w3, v128.load32_splat(k, 12)));
  a = i32x4.add(a, e);
  e = secondHalf(f, g, h, e);
  d = firstHalf(a, b, c, d, i32x4.add(w4, v128.load32_splat(k, 16)));
  h = i32x4.add(h, d);
  d = secondHalf(e, f, g, d);
  c = firstHalf(h, a, b, c, i32x4.add(w5, v128.load32_splat(k, 20)));
  g = i32x4.add(g, c);
  c = secondHalf(d, e, f, c);
  b = firstHalf(g, h, a, b, i32x4.add(w6, v128.load32_splat(k, 24)));
  f = i32x4.add(f, b);
  b = secondHalf(c, d, e, b);
  a = firstHalf(f, g, h, a, i32x4.add(w7, v128.load32_splat(k, 28)));
  e = i32x4.add(e, a);
  a = secondHalf(b, c, d, a);
  h = firstHalf(e, f, g, h, i32x4.add(w8, v128.load32_splat(k, 32)));
  d = i32x4.add(d, h);
  h = secondHalf(a, b, c, h);
  g = firstHalf(d, e, f, g, i32x4.add(w9, v128.load32_splat(k, 36)));
  c = i32x4.add(c, g);
  g = secondHalf(h, a, b, g);
  f = firstHalf(c, d, e, f, i32x4.add(w10, v128.load32_splat(k, 40)));
  b = i32x4.add(b, f);
  f = secondHalf(g, h, a, f);
  e = firstHalf(b, c, d, e, i32x4.add(w11, v128.load32_splat(k, 44)));
  a = i32x4.add(a, e);
  e = secondHalf(f, g, h, e);
  d = firstHalf(a, b, c, d, i32x4.add(w12, v128.load32_splat(k, 48)));
  h = i32x4.add(h, d);
  d = secondHalf(e, f, g, d);
  c = firstHalf(h, a, b, c, i32x4.add(w13, v128.load32_splat(k, 52)));
  g = i32x4.add(g, c);
  c = secondHalf(d, e, f, c);
  b = firstHalf(g, h, a, b, i32x4.add(w14, v128.load32_splat(k, 56)));
  f = i32x4.add(f, b);
  b = secondHalf(c, d, e, b);
  a = firstHalf(f, g, h, a, i32x4.add(w15, v128.load32_splat(k, 60)));
  e = i32x4.add(e, a);
  a = secondHalf(b, c, d, a);
  for (let turn = 0; turn < 3; turn++) {
    k += 64;
    w0 = schedule(w0, w1, w9, w14);
    h = firstHalf(e, f, g, h, i32x4.add(w0, v128.load32_splat(k)));
    d = i32x4.add(d, h);
    h = secondHalf(a, b, c, h);
    w1 = schedule(w1, w2, w10, w15);
    g = firstHalf(d, e, f, g, i32x4.add(w1, v128.load32_splat(k, 4)));
    c = i32x4.add(c, g);
    g = secondHalf(h, a, b, g);
    w2 = schedule(w2, w3, w11, w0);
    f = firstHalf(c, d, e, f, i32x4.add(w2, v128.load32_splat(k, 8)));
    b = i32x4.add(b, f);
    f = secondHalf(g, h, a, f);
    w3 = schedule(w3, w4, w12, w1);
    e = firstHalf(b, c, d, e, i32x4.add(w3, v128.load32_splat(k, 12)));
    a = i32x4.add(a, e);
    e = secondHalf(f, g, h, e);
    w4 = schedule(w4, w5, w13, w2);
    d = firstHalf(a, b, c, d, i32x4.add(w4, v128.load32_splat(k, 16)));
    h = i32x4.add(h, d);
    d = secondHalf(e, f, g, d);
    w5 = schedule(w5, w6, w14, w3);
    c = firstHalf(h, a, b, c, i32x4.add(w5, v128.load32_splat(k, 20)));
    g = i32x4.add(g, c);
    c = secondHalf(d, e, f, c);
    w6 = schedule(w6, w7, w15, w4);
    b = firstHalf(g, h, a, b, i32x4.add(w6, v128.load32_splat(k, 24)));
    f = i32x4.add(f, b);
    b = secondHalf(c, d, e, b);
    w7 = schedule(w7, w8, w0, w5);
    a = firstHalf(f, g, h, a, i32x4.add(w7, v128.load32_splat(k, 28)));
    e = i32x4.add(e, a);
    a = secondHalf(b, c, d, a);
    w8 = schedule(w8, w9, w1, w6);
    h = firstHalf(e, f, g, h, i32x4.add(w8, v128.load32_splat(k, 32)));
    d = i32x4.add(d, h);
    h = secondHalf(a, b, c, h);
    w9 = schedule(w9, w10, w2, w7);
    g = firstHalf(d, e, f, g, i32x4.add(w9, v128.load32_splat(k, 36)));
    c = i32x4.add(c, g);
    g = secondHalf(h, a, b, g);
    w10 = schedule(w10, w11, w3, w8);
    f = firstHalf(c, d, e, f, i32x4.add(w10, v128.load32_splat(k, 40)));
    b = i32x4.add(b, f);
    f = secondHalf(g, h, a, f);
    w11 = schedule(w11, w12, w4, w9);
    e = firstHalf(b, c, d, e, i32x4.add(w11, v128.load32_splat(k, 44)));
    a = i32x4.add(a, e);
    e = secondHalf(f, g, h, e);
    w12 = schedule(w12, w13, w5, w10);
    d = firstHalf(a, b, c, d, i32x4.add(w12, v128.load32_splat(k, 48)));
    h = i32x4.add(h, d);
    d = secondHalf(e, f, g, d);
    w13 = schedule(w13, w14, w6, w11);
    c = firstHalf(h, a, b, c, i32x4.add(w13, v128.load32_splat(k, 52)));
    g = i32x4.add(g, c);
    c = secondHalf(d, e, f, c);
    w14 = schedule(w14, w15, w7, w12);
    b = firstHalf(g, h, a, b, i32x4.add(w14, v128.load32_splat(k, 56)));
    f = i32x4.add(f, b);
    b = secondHalf(c, d, e, b);
    w15 = schedule(w15, w0, w8, w13);
    a = firstHalf(f, g, h, a, i32x4.add(w15, v128.load32_splat(k, 60)));
    e = i32x4.add(e, a);
    a = secondHalf(b, c, d, a);
  }
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE), a));
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 16), b), 16);
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 32), c), 32);
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 48), d), 48);
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 64), e), 64);
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 80), f), 80);
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 96), g), 96);
  v128.store(LANES_STATE, i32x4.add(v128.load(LANES_STATE, 112), h), 112);
}
