import type { Candidate, ServerCore } from '../../assembly/host/index.ts';
import type { Comparison } from '../harness.ts';

const COUNT = 10_000;
// f32 has 24 bits; the reference computes in f64.
const TOLERANCE = 1e-6;

/** Scoring of 10,000 providers that are kept in the core's arrays, beside a loop over 10,000 objects. */
export function compareScores(core: ServerCore): () => Comparison {
  return () => {
    const providers = Array.from({ length: COUNT }, (_, i) => makeProvider(i));
    for (const [i, provider] of providers.entries()) {
      core.candidates.price[i] = provider.price;
      core.candidates.quality[i] = provider.quality;
      core.candidates.latencyMs[i] = provider.latencyMs;
      core.candidates.availability[i] = provider.availability;
      core.candidates.fairness[i] = provider.fairness;
      core.candidates.utilization[i] = provider.utilization;
    }
    const scores = new Array<number>(COUNT).fill(0);
    const ours = () => {
      if (!core.scoreBatch(COUNT).ok) throw new Error('The core refused to score.');
    };
    const reference = () => scoreObjects(providers, scores);
    ours();
    reference();
    for (const [i, score] of scores.entries()) {
      const difference = Math.abs((core.candidates.scores[i] as number) - score);
      if (!(difference < TOLERANCE)) throw new Error(`Score ${i} differs from the reference.`);
    }
    return { name: 'score-10000', operations: 1, ours, reference };
  };
}

function makeProvider(i: number): Candidate {
  const share = (step: number) => ((i * step) % 997) / 996;
  return {
    price: 5 + ((i * 31) % 200),
    quality: share(17),
    latencyMs: 40 + ((i * 53) % 900),
    availability: share(29),
    fairness: share(43),
    utilization: ((i * 7) % 12) / 10,
  };
}

function scoreObjects(providers: readonly Candidate[], scores: number[]): void {
  let lowestPrice = Number.POSITIVE_INFINITY;
  let lowestLatencyMs = Number.POSITIVE_INFINITY;
  for (const provider of providers) {
    if (provider.utilization >= 1) continue;
    if (provider.price < lowestPrice) lowestPrice = provider.price;
    if (provider.latencyMs < lowestLatencyMs) lowestLatencyMs = provider.latencyMs;
  }
  for (let i = 0; i < providers.length; i++) {
    const provider = providers[i] as Candidate;
    if (provider.utilization >= 1) {
      scores[i] = -1;
      continue;
    }
    const price = provider.price === lowestPrice ? 1 : lowestPrice / provider.price;
    const latency = provider.latencyMs === lowestLatencyMs ? 1 : lowestLatencyMs / provider.latencyMs;
    scores[i] =
      (price * 0.3 +
        provider.quality * 0.25 +
        latency * 0.2 +
        provider.availability * 0.15 +
        provider.fairness * 0.1) /
      (1 + provider.utilization);
  }
}
