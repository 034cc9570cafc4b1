import { SCHEDULE, STATE } from './layout';
import { ROUND_CONSTANTS } from './sha256-constants';

// The six functions of FIPS 180-4, 4.1.2.

function choose(x: u32, y: u32, z: u32): u32 {
  return z ^ (x & (y ^ z));
}

function majority(x: u32, y: u32, z: u32): u32 {
  return y ^ ((x ^ y) & (z ^ y));
}

function sum0(x: u32): u32 {
  return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
}

function sum1(x: u32): u32 {
  return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
}

function sigma0(x: u32): u32 {
  return rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3);
}

function sigma1(x: u32): u32 {
  return rotr(x, 17) ^ rotr(x, 19) ^ (x >> 10);
}

/**
 * Adds one 64-byte block to the hash state (FIPS 180-4, 6.2.2). One loop over rounds: the fewest bytes of code, for the
 * device.
 */
export function compressSmall(block: usize): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  for (let i: usize = 0; i < 256; i += 4) {
    let w: u32;
    if (i < 64) {
      w = bswap(load<u32>(block + i));
    } else {
      w =
        sigma1(load<u32>(i, SCHEDULE - 8)) +
        load<u32>(i, SCHEDULE - 28) +
        sigma0(load<u32>(i, SCHEDULE - 60)) +
        load<u32>(i, SCHEDULE - 64);
    }
    store<u32>(i, w, SCHEDULE);
    w += load<u32>(i, ROUND_CONSTANTS) + h + sum1(e) + choose(e, f, g);
    h = g;
    g = f;
    f = e;
    e = d + w;
    w += sum0(a) + majority(a, b, c);
    d = c;
    c = b;
    b = a;
    a = w;
  }
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20);
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24);
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28);
}

/**
 * The same promise as {@link compressSmall}. Sixteen rounds a turn, the schedule kept in locals: the fastest, for the
 * server.
 */
export function compressFast(block: usize): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  let w0 = bswap(load<u32>(block));
  let w1 = bswap(load<u32>(block, 4));
  let w2 = bswap(load<u32>(block, 8));
  let w3 = bswap(load<u32>(block, 12));
  let w4 = bswap(load<u32>(block, 16));
  let w5 = bswap(load<u32>(block, 20));
  let w6 = bswap(load<u32>(block, 24));
  let w7 = bswap(load<u32>(block, 28));
  let w8 = bswap(load<u32>(block, 32));
  let w9 = bswap(load<u32>(block, 36));
  let w10 = bswap(load<u32>(block, 40));
  let w11 = bswap(load<u32>(block, 44));
  let w12 = bswap(load<u32>(block, 48));
  let w13 = bswap(load<u32>(block, 52));
  let w14 = bswap(load<u32>(block, 56));
  let w15 = bswap(load<u32>(block, 60));
  let k = ROUND_CONSTANTS;
  h += sum1(e) + choose(e, f, g) + load<u32>(k) + w0;
  d += h;
  h += sum0(a) + majority(a, b, c);
  g += sum1(d) + choose(d, e, f) + load<u32>(k, 4) + w1;
  c += g;
  g += sum0(h) + majority(h, a, b);
  f += sum1(c) + choose(c, d, e) + load<u32>(k, 8) + w2;
  b += f;
  f += sum0(g) + majority(g, h, a);
  e += sum1(b) + choose(b, c, d) + load<u32>(k, 12) + w3;
  a += e;
  e += sum0(f) + majority(f, g, h);
  d += sum1(a) + choose(a, b, c) + load<u32>(k, 16) + w4;
  h += d;
  d += sum0(e) + majority(e, f, g);
  c += sum1(h) + choose(h, a, b) + load<u32>(k, 20) + w5;
  g += c;
  c += sum0(d) + majority(d, e, f);
  b += sum1(g) + choose(g, h, a) + load<u32>(k, 24) + w6;
  f += b;
  b += sum0(c) + majority(c, d, e);
  a += sum1(f) + choose(f, g, h) + load<u32>(k, 28) + w7;
  e += a;
  a += sum0(b) + majority(b, c, d);
  h += sum1(e) + choose(e, f, g) + load<u32>(k, 32) + w8;
  d += h;
  h += sum0(a) + majority(a, b, c);
  g += sum1(d) + choose(d, e, f) + load<u32>(k, 36) + w9;
  c += g;
  g += sum0(h) + majority(h, a, b);
  f += sum1(c) + choose(c, d, e) + load<u32>(k, 40) + w10;
  b += f;
  f += sum0(g) + majority(g, h, a);
  e += sum1(b) + choose(b, c, d) + load<u32>(k, 44) + w11;
  a += e;
  e += sum0(f) + majority(f, g, h);
  d += sum1(a) + choose(a, b, c) + load<u32>(k, 48) + w12;
  h += d;
  d += sum0(e) + majority(e, f, g);
  c += sum1(h) + choose(h, a, b) + load<u32>(k, 52) + w13;
  g += c;
  c += sum0(d) + majority(d, e, f);
  b += sum1(g) + choose(g, h, a) + load<u32>(k, 56) + w14;
  f += b;
  b += sum0(c) + majority(c, d, e);
  a += sum1(f) + choose(f, g, h) + load<u32>(k, 60) + w15;
  e += a;
  a += sum0(b) + majority(b, c, d);
  for (let turn = 0; turn < 3; turn++) {
    k += 64;
    w0 += sigma0(w1) + w9 + sigma1(w14);
    h += sum1(e) + choose(e, f, g) + load<u32>(k) + w0;
    d += h;
    h += sum0(a) + majority(a, b, c);
    w1 += sigma0(w2) + w10 + sigma1(w15);
    g += sum1(d) + choose(d, e, f) + load<u32>(k, 4) + w1;
    c += g;
    g += sum0(h) + majority(h, a, b);
    w2 += sigma0(w3) + w11 + sigma1(w0);
    f += sum1(c) + choose(c, d, e) + load<u32>(k, 8) + w2;
    b += f;
    f += sum0(g) + majority(g, h, a);
    w3 += sigma0(w4) + w12 + sigma1(w1);
    e += sum1(b) + choose(b, c, d) + load<u32>(k, 12) + w3;
    a += e;
    e += sum0(f) + majority(f, g, h);
    w4 += sigma0(w5) + w13 + sigma1(w2);
    d += sum1(a) + choose(a, b, c) + load<u32>(k, 16) + w4;
    h += d;
    d += sum0(e) + majority(e, f, g);
    w5 += sigma0(w6) + w14 + sigma1(w3);
    c += sum1(h) + choose(h, a, b) + load<u32>(k, 20) + w5;
    g += c;
    c += sum0(d) + majority(d, e, f);
    w6 += sigma0(w7) + w15 + sigma1(w4);
    b += sum1(g) + choose(g, h, a) + load<u32>(k, 24) + w6;
    f += b;
    b += sum0(c) + majority(c, d, e);
    w7 += sigma0(w8) + w0 + sigma1(w5);
    a += sum1(f) + choose(f, g, h) + load<u32>(k, 28) + w7;
    e += a;
    a += sum0(b) + majority(b, c, d);
    w8 += sigma0(w9) + w1 + sigma1(w6);
    h += sum1(e) + choose(e, f, g) + load<u32>(k, 32) + w8;
    d += h;
    h += sum0(a) + majority(a, b, c);
    w9 += sigma0(w10) + w2 + sigma1(w7);
    g += sum1(d) + choose(d, e, f) + load<u32>(k, 36) + w9;
    c += g;
    g += sum0(h) + majority(h, a, b);
    w10 += sigma0(w11) + w3 + sigma1(w8);
    f += sum1(c) + choose(c, d, e) + load<u32>(k, 40) + w10;
    b += f;
    f += sum0(g) + majority(g, h, a);
    w11 += sigma0(w12) + w4 + sigma1(w9);
    e += sum1(b) + choose(b, c, d) + load<u32>(k, 44) + w11;
    a += e;
    e += sum0(f) + majority(f, g, h);
    w12 += sigma0(w13) + w5 + sigma1(w10);
    d += sum1(a) + choose(a, b, c) + load<u32>(k, 48) + w12;
    h += d;
    d += sum0(e) + majority(e, f, g);
    w13 += sigma0(w14) + w6 + sigma1(w11);
    c += sum1(h) + choose(h, a, b) + load<u32>(k, 52) + w13;
    g += c;
    c += sum0(d) + majority(d, e, f);
    w14 += sigma0(w15) + w7 + sigma1(w12);
    b += sum1(g) + choose(g, h, a) + load<u32>(k, 56) + w14;
    f += b;
    b += sum0(c) + majority(c, d, e);
    w15 += sigma0(w0) + w8 + sigma1(w13);
    a += sum1(f) + choose(f, g, h) + load<u32>(k, 60) + w15;
    e += a;
    a += sum0(b) + majority(b, c, d);
  }
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20);
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24);
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28);
}
