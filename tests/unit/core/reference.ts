import type {
  Candidate,
  PriceRequest,
  PriceResult,
  QualityAssessment,
  QualityObservation,
  QualitySample,
} from '../../../assembly/host/index.ts';

const U64_MAX = 2n ** 64n - 1n;

const round = Math.fround;

/** The price in integers without a limit of size, by the words of the rule and not after the core's code. */
export function priceReference({
  tokens,
  priceMicrocentsPer1000Tokens: prices,
  roundingUnitMicrocents: unit = 1n,
}: PriceRequest): PriceResult {
  if (unit === 0n) return { ok: false, reason: 'out_of_range' };
  const products = [
    tokens.prompt * prices.prompt,
    tokens.cachedPrompt * prices.cachedPrompt,
    tokens.completion * prices.completion,
  ];
  const sum = products.reduce((left, right) => left + right);
  const exactUnits = sum / (1000n * unit);
  const isExact = exactUnits * 1000n * unit === sum;
  const costMicrocents = (isExact ? exactUnits : exactUnits + 1n) * unit;
  const overflows = [...products, sum, costMicrocents].some((amount) => amount > U64_MAX);
  return overflows ? { ok: false, reason: 'overflow' } : { ok: true, costMicrocents };
}

/** Scores in plain f32, written after the formula and not after the core's code. */
export function scoreReference(candidates: readonly Candidate[]): number[] {
  const free = candidates.filter(({ utilization }) => round(utilization) < 1);
  const lowestPrice = Math.min(...free.map(({ price }) => round(price)));
  const lowestLatency = Math.min(...free.map(({ latencyMs }) => round(latencyMs)));
  const lowness = (lowest: number, x: number) => (round(x) === lowest ? 1 : round(lowest / round(x)));
  return candidates.map((candidate) => {
    if (round(candidate.utilization) >= 1) return -1;
    const parts = [
      [lowness(lowestPrice, candidate.price), 0.3],
      [round(candidate.quality), 0.25],
      [lowness(lowestLatency, candidate.latencyMs), 0.2],
      [round(candidate.availability), 0.15],
      [round(candidate.fairness), 0.1],
    ] as const;
    const products = parts.map(([share, weight]) => round(share * round(weight)));
    const sum = products.reduce((left, right) => round(left + right));
    return round(sum / round(1 + round(candidate.utilization)));
  });
}

/** Weighted means with the machine's own power of two. Equal to the core's up to its polynomial's error. */
export function weighReference(samples: readonly QualitySample[], halfLifeMs: number): QualityAssessment {
  const weights = samples.map(({ ageMs }) => 2 ** (-ageMs / halfLifeMs));
  const weight = weights.reduce((left, right) => left + right, 0);
  const mean = (component: 'quality' | 'latency' | 'availability') =>
    samples.reduce((sum, sample, i) => sum + sample[component] * (weights[i] as number), 0) / weight;
  const [quality, latency, availability] = [mean('quality'), mean('latency'), mean('availability')];
  return {
    quality,
    latency,
    availability,
    combined: (quality * 25 + latency * 20 + availability * 15) / 60,
    weight,
  };
}

/** The same requests as the batch sees them at a time: how old each is. */
export function agedAt(observations: readonly QualityObservation[], nowMs: number): QualitySample[] {
  return observations.map(({ timeMs, ...components }) => ({ ...components, ageMs: nowMs - timeMs }));
}

/** The bits of an f32, so that two of them can be compared exactly. */
export function f32Hex(value: number): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

/** The bits of an f64. */
export function f64Hex(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}
