import { CANDIDATES, CANDIDATES_MAX } from './layout';
import { STATUS_EMPTY, STATUS_OK, STATUS_OUT_OF_RANGE } from './status';

// The seven arrays, each of CANDIDATES_MAX f32.
const ARRAY_BYTES: usize = (CANDIDATES_MAX as usize) * 4;
export const PRICE: usize = CANDIDATES;
export const LATENCY: usize = CANDIDATES + ARRAY_BYTES;
export const UTILIZATION: usize = CANDIDATES + 2 * ARRAY_BYTES;
export const QUALITY: usize = CANDIDATES + 3 * ARRAY_BYTES;
export const AVAILABILITY: usize = CANDIDATES + 4 * ARRAY_BYTES;
export const FAIRNESS: usize = CANDIDATES + 5 * ARRAY_BYTES;
export const SCORE: usize = CANDIDATES + 6 * ARRAY_BYTES;

export const PRICE_WEIGHT: f32 = 0.3;
export const QUALITY_WEIGHT: f32 = 0.25;
export const LATENCY_WEIGHT: f32 = 0.2;
export const AVAILABILITY_WEIGHT: f32 = 0.15;
export const FAIRNESS_WEIGHT: f32 = 0.1;

/** The score of a provider without a free slot: below every score, so it is never chosen. */
export const NO_FREE_SLOT: f32 = -1;

// The bits of floats that aren't negative have the order of the floats, so one unsigned comparison refuses negative,
// too large, infinite and undefined values. Adding zero makes a negative zero a zero.
export const ONE_BITS: u32 = 0x3f80_0000;
export const LARGEST_BITS: u32 = 0x7f7f_ffff;

/**
 * Whether all six values at a byte offset into the arrays may be scored: price, latency and utilization finite and not
 * negative; quality, availability and fairness from 0 to 1.
 */
export function isCandidate(at: usize): bool {
  for (let address = at + PRICE; address < SCORE; address += ARRAY_BYTES) {
    const bits = reinterpret<u32>(load<f32>(address) + 0);
    if (bits > (address < QUALITY ? LARGEST_BITS : ONE_BITS)) return false;
  }
  return true;
}

// 1 for the lowest, half of it for twice as much. The lowest itself is never divided: 0/0 would be no number. Beside a
// lowest of zero everything above zero scores 0.
function lowness(lowest: f32, x: f32): f32 {
  return x == lowest ? 1 : lowest / x;
}

/**
 * Writes the score of one candidate: price 30 %, quality 25 %, latency 20 %, availability 15 %, fairness 10 %, divided by
 * `1 + utilization`; `NO_FREE_SLOT` from a utilization of 1 on. Sums run from left to right in f32, so that SIMD finds the
 * same bits.
 */
export function scoreOne(at: usize, lowestPrice: f32, lowestLatency: f32): void {
  const utilization = load<f32>(at, UTILIZATION);
  const sum =
    lowness(lowestPrice, load<f32>(at, PRICE)) * PRICE_WEIGHT +
    load<f32>(at, QUALITY) * QUALITY_WEIGHT +
    lowness(lowestLatency, load<f32>(at, LATENCY)) * LATENCY_WEIGHT +
    load<f32>(at, AVAILABILITY) * AVAILABILITY_WEIGHT +
    load<f32>(at, FAIRNESS) * FAIRNESS_WEIGHT;
  store<f32>(at, utilization < 1 ? sum / (1 + utilization) : NO_FREE_SLOT, SCORE);
}

/**
 * Scores `count` candidates. The lowest price and the lowest latency are those among candidates with a free slot; scores
 * are 0 to 1 and don't depend on the units of price and latency. Refuses none with `STATUS_EMPTY`; a share outside 0 to 1,
 * a negative or infinite price, latency or utilization with `STATUS_OUT_OF_RANGE`, and then the scores mean nothing.
 */
export function score(count: u32): i32 {
  if (count == 0) return STATUS_EMPTY;
  const end: usize = count * 4;
  let lowestPrice = f32.MAX_VALUE;
  let lowestLatency = f32.MAX_VALUE;
  for (let at: usize = 0; at < end; at += 4) {
    if (!isCandidate(at)) return STATUS_OUT_OF_RANGE;
    if (load<f32>(at, UTILIZATION) < 1) {
      lowestPrice = min(lowestPrice, load<f32>(at, PRICE));
      lowestLatency = min(lowestLatency, load<f32>(at, LATENCY));
    }
  }
  // A lowest of negative zero would make negative zeros of what it is divided by.
  lowestPrice += 0;
  lowestLatency += 0;
  for (let at: usize = 0; at < end; at += 4) scoreOne(at, lowestPrice, lowestLatency);
  return STATUS_OK;
}
