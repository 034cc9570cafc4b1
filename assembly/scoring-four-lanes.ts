import {
  AVAILABILITY,
  AVAILABILITY_WEIGHT,
  FAIRNESS,
  FAIRNESS_WEIGHT,
  isCandidate,
  LARGEST_BITS,
  LATENCY,
  LATENCY_WEIGHT,
  NO_FREE_SLOT,
  ONE_BITS,
  PRICE,
  PRICE_WEIGHT,
  QUALITY,
  QUALITY_WEIGHT,
  SCORE,
  scoreOne,
  UTILIZATION,
} from './scoring';
import { STATUS_EMPTY, STATUS_OK, STATUS_OUT_OF_RANGE } from './status';

// See scoring.ts: as unsigned integers, values in range are at most those of the largest.
function bitsAt(address: usize): v128 {
  return f32x4.add(v128.load(address), f32x4.splat(0));
}

function areAllAtMost(bits: v128, limit: u32): bool {
  return i32x4.all_true(i32x4.le_u(bits, i32x4.splat(limit)));
}

function lowness(lowest: v128, x: v128): v128 {
  return v128.bitselect(f32x4.splat(1), f32x4.div(lowest, x), f32x4.eq(x, lowest));
}

function lowestLane(x: v128): f32 {
  return min(
    min(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    min(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/**
 * The promise and the refusals of `score` in scoring.ts, and the same bits, four candidates at a time: every lane does the
 * same operations in the same order, and the last one to three candidates go through `scoreOne`.
 */
export function scoreFourLanes(count: u32): i32 {
  if (count == 0) return STATUS_EMPTY;
  const end: usize = (count as usize) * 4;
  const vectorEnd = end & ~15;
  const one = f32x4.splat(1);
  const none = f32x4.splat(f32.MAX_VALUE);
  let amounts = i32x4.splat(0);
  let lowestPrices = none;
  let lowestLatencies = none;
  for (let at: usize = 0; at < vectorEnd; at += 16) {
    const price = bitsAt(at + PRICE);
    const latency = bitsAt(at + LATENCY);
    const utilization = bitsAt(at + UTILIZATION);
    amounts = i32x4.max_u(amounts, i32x4.max_u(price, i32x4.max_u(latency, utilization)));
    const isFree = f32x4.lt(utilization, one);
    lowestPrices = f32x4.pmin(lowestPrices, v128.bitselect(price, none, isFree));
    lowestLatencies = f32x4.pmin(lowestLatencies, v128.bitselect(latency, none, isFree));
  }
  if (!areAllAtMost(amounts, LARGEST_BITS)) return STATUS_OUT_OF_RANGE;
  let lowestPrice = lowestLane(lowestPrices);
  let lowestLatency = lowestLane(lowestLatencies);
  for (let at = vectorEnd; at < end; at += 4) {
    if (!isCandidate(at)) return STATUS_OUT_OF_RANGE;
    if (load<f32>(at + UTILIZATION) < 1) {
      lowestPrice = min(lowestPrice, load<f32>(at + PRICE));
      lowestLatency = min(lowestLatency, load<f32>(at + LATENCY));
    }
  }
  lowestPrice += 0;
  lowestLatency += 0;

  let shares = i32x4.splat(0);
  const price = f32x4.splat(lowestPrice);
  const latency = f32x4.splat(lowestLatency);
  for (let at: usize = 0; at < vectorEnd; at += 16) {
    const quality = bitsAt(at + QUALITY);
    const availability = bitsAt(at + AVAILABILITY);
    const fairness = bitsAt(at + FAIRNESS);
    shares = i32x4.max_u(shares, i32x4.max_u(quality, i32x4.max_u(availability, fairness)));
    let sum = f32x4.mul(lowness(price, v128.load(at + PRICE)), f32x4.splat(PRICE_WEIGHT));
    sum = f32x4.add(sum, f32x4.mul(quality, f32x4.splat(QUALITY_WEIGHT)));
    sum = f32x4.add(sum, f32x4.mul(lowness(latency, v128.load(at + LATENCY)), f32x4.splat(LATENCY_WEIGHT)));
    sum = f32x4.add(sum, f32x4.mul(availability, f32x4.splat(AVAILABILITY_WEIGHT)));
    sum = f32x4.add(sum, f32x4.mul(fairness, f32x4.splat(FAIRNESS_WEIGHT)));
    const utilization = v128.load(at + UTILIZATION);
    const damped = f32x4.div(sum, f32x4.add(one, utilization));
    const isFree = f32x4.lt(utilization, one);
    v128.store(at + SCORE, v128.bitselect(damped, f32x4.splat(NO_FREE_SLOT), isFree));
  }
  if (!areAllAtMost(shares, ONE_BITS)) return STATUS_OUT_OF_RANGE;
  for (let at = vectorEnd; at < end; at += 4) scoreOne(at, lowestPrice, lowestLatency);
  return STATUS_OK;
}
