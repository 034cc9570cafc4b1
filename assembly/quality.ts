import { MESSAGE, SAMPLE_BYTES, VALUES } from './layout';
import { STATUS_EMPTY, STATUS_OK, STATUS_OUT_OF_RANGE } from './status';

// At VALUES, f64 each: half-life in ms, then the assessment: response quality, latency score, availability, the weight they
// stand on, the three combined, and (for the running mean) the time of the newest sample in ms.
const HALF_LIFE: usize = VALUES;
const ASSESSMENT: usize = VALUES + 8;
const WEIGHT: usize = VALUES + 32;
const COMBINED: usize = VALUES + 40;
const LAST_TIME: usize = VALUES + 48;

// The three components of a sample, side by side.
const COMPONENTS_BYTES: usize = 24;

// The sample's last value, behind its three components.
function timeOf(sample: usize): f64 {
  return load<f64>(sample, COMPONENTS_BYTES);
}

function isTime(x: f64): bool {
  return x >= 0 && x <= f64.MAX_VALUE;
}

// Whether four values are three shares and a time or a weight: a sample is, and so is an assessment up to its weight.
function isSample(sample: usize): bool {
  let most: f64 = 1;
  for (let i: usize = 0; i <= COMPONENTS_BYTES; i += 8) {
    if (i == COMPONENTS_BYTES) most = f64.MAX_VALUE;
    const x = load<f64>(sample + i);
    if (!(x >= 0 && x <= most)) return false;
  }
  return true;
}

function isHalfLife(x: f64): bool {
  return x > 0 && x <= f64.MAX_VALUE;
}

/**
 * How much a sample still counts after a time: `2^(-elapsed / halfLife)`, 1 at once and exactly a half after each
 * half-life. The whole part of the exponent is a shift, the fraction a polynomial of degree 6 that is exact at both
 * ends (relative error < 2.3e-9), so that every machine finds the same bits. After 1,023 half-lives: 0.
 */
export function decay(elapsedMs: f64, halfLifeMs: f64): f64 {
  const exponent = elapsedMs / halfLifeMs;
  if (!(exponent < 1023)) return 0;
  const whole = exponent as i32;
  const x = exponent - (whole as f64);
  let sum: f64 = -0.00010857509130114569;
  sum = sum * x + 0.0011649193978464161;
  sum = sum * x - 0.00841295854395853;
  sum = sum * x + 0.047077186416784746;
  sum = sum * x - 0.19314705597949078;
  const fraction = 1 - x * 0.5 + x * (1 - x) * sum;
  return fraction * reinterpret<f64>(((1023 - whole) as i64) << 52);
}

// Takes one sample into the assessment. Whichever of the two is older, sample or assessment, has lost weight since.
function take(sample: usize, time: f64): void {
  const elapsed = time - load<f64>(LAST_TIME);
  const aging = decay(abs(elapsed), load<f64>(HALF_LIFE));
  let weight = load<f64>(WEIGHT);
  let share: f64 = 1;
  if (elapsed < 0) {
    share = aging;
  } else {
    weight *= aging;
    store<f64>(LAST_TIME, time);
  }
  weight += share;
  store<f64>(WEIGHT, weight);
  // Without any weight the means stay what they are.
  const part = weight > 0 ? share / weight : 0;
  for (let i: usize = 0; i < COMPONENTS_BYTES; i += 8) {
    // Stays from 0 to 1: rounding keeps order, so the mean can't move past 1 or 0, where a whole part would take it.
    const mean = load<f64>(i, ASSESSMENT);
    store<f64>(i, mean + (load<f64>(sample + i) - mean) * part, ASSESSMENT);
  }
  // The proportions of quality, latency and availability in the score: 25 : 20 : 15.
  store<f64>(
    COMBINED,
    (load<f64>(ASSESSMENT) * 5 + load<f64>(ASSESSMENT, 8) * 4 + load<f64>(ASSESSMENT, 16) * 3) / 12,
  );
}

/**
 * The mean of `count` samples, each weighted by its age. A sample at `MESSAGE` is four f64: response quality, latency
 * score, availability (0 to 1) and age in ms; the half-life is at `VALUES`. The assessment follows it. Refuses no samples
 * with `STATUS_EMPTY`; a component outside 0 to 1, a negative or infinite age, a half-life that isn't above 0 with
 * `STATUS_OUT_OF_RANGE`, and then the assessment means nothing.
 */
export function weigh(count: u32): i32 {
  if (count == 0) return STATUS_EMPTY;
  if (!isHalfLife(load<f64>(HALF_LIFE))) return STATUS_OUT_OF_RANGE;
  // Means are independent of the moment they are seen from, so samples are taken in at minus their age, and only the
  // weight is aged up to now. It starts from nothing, an eternity ago.
  for (let i: usize = 0; i < 40; i += 8) store<f64>(i, 0, ASSESSMENT);
  store<f64>(LAST_TIME, -f64.MAX_VALUE);
  for (let i: usize = 0; i < (count as usize) * SAMPLE_BYTES; i += SAMPLE_BYTES) {
    if (!isSample(MESSAGE + i)) return STATUS_OUT_OF_RANGE;
    take(MESSAGE + i, -timeOf(MESSAGE + i));
  }
  store<f64>(WEIGHT, load<f64>(WEIGHT) * decay(-load<f64>(LAST_TIME), load<f64>(HALF_LIFE)));
  return STATUS_OK;
}

/**
 * Takes one more sample into a running assessment: half-life and assessment at `VALUES` (all zero before the first
 * sample), the sample at `MESSAGE` with its time in ms in place of the age. The result is the mean that `weigh` finds
 * over all samples, up to rounding, also when a sample comes late. Refuses with `STATUS_OUT_OF_RANGE` as `weigh` does.
 */
export function update(): i32 {
  const isValid =
    isHalfLife(load<f64>(HALF_LIFE)) &&
    isSample(MESSAGE) &&
    isSample(ASSESSMENT) &&
    isTime(load<f64>(LAST_TIME));
  if (!isValid) return STATUS_OUT_OF_RANGE;
  take(MESSAGE, timeOf(MESSAGE));
  return STATUS_OK;
}
