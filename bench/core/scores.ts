import type { Candidate, ServerCore } from '../../assembly/host/index.ts';
import type { Comparison } from '../harness.ts';

const MANY = 10_000;
// As many as a model of a busy marketplace has.
const FEW = 20;
// f32 has 24 bits; the references compute in f64.
const TOLERANCE = 1e-6;

/** Candidates by columns, and their scores. */
export type Columns<Values> = { readonly [Column in keyof Candidate | 'scores']: Values };

/**
 * Scoring of 10,000 providers that are kept in the core's columns, beside a loop over as many objects and one over columns;
 * and of 10,000 and 20 that are filled into the columns each time, as the marketplace does, beside the loop over objects.
 */
export function compareScores(core: ServerCore): (() => Comparison)[] {
  return [
    () => compareKept(core),
    () => compareKeptWithColumns(core),
    () => compareFilled(core, MANY),
    () => compareFilled(core, FEW),
  ];
}

function compareKept(core: ServerCore): Comparison {
  const providers = makeProviders(MANY);
  const scores = new Array<number>(MANY).fill(0);
  const ours = () => score(core, MANY);
  const reference = () => scoreObjects(providers, scores);
  fill(core, providers);
  ours();
  reference();
  requireScores(core, scores);
  return { name: 'score-10000', operations: 1, ours, reference };
}

function compareKeptWithColumns(core: ServerCore): Comparison {
  const providers = makeProviders(MANY);
  const column = (of: keyof Candidate) => Float64Array.from(providers, (provider) => provider[of]);
  const columns: Columns<Float64Array> = {
    price: column('price'),
    quality: column('quality'),
    latencyMs: column('latencyMs'),
    availability: column('availability'),
    fairness: column('fairness'),
    utilization: column('utilization'),
    scores: new Float64Array(MANY),
  };
  const ours = () => score(core, MANY);
  const reference = () => scoreColumns(columns);
  fill(core, providers);
  ours();
  reference();
  requireScores(core, columns.scores);
  return { name: 'score-10000-columns', operations: 1, ours, reference };
}

function compareFilled(core: ServerCore, count: number): Comparison {
  const providers = makeProviders(count);
  const scores = new Array<number>(count).fill(0);
  const ours = () => {
    fill(core, providers);
    score(core, count);
  };
  const reference = () => scoreObjects(providers, scores);
  core.candidates.scores.fill(0);
  ours();
  reference();
  requireScores(core, scores);
  return { name: `score-${count}-filled`, operations: 1, ours, reference };
}

function makeProviders(count: number): Candidate[] {
  return Array.from({ length: count }, (_, i) => {
    const share = (step: number) => ((i * step) % 997) / 996;
    return {
      price: 5 + ((i * 31) % 200),
      quality: share(17),
      latencyMs: 40 + ((i * 53) % 900),
      availability: share(29),
      fairness: share(43),
      utilization: ((i * 7) % 12) / 10,
    };
  });
}

function fill({ candidates }: ServerCore, providers: readonly Candidate[]): void {
  const { price, quality, latencyMs, availability, fairness, utilization } = candidates;
  for (let i = 0; i < providers.length; i++) {
    const provider = providers[i] as Candidate;
    price[i] = provider.price;
    quality[i] = provider.quality;
    latencyMs[i] = provider.latencyMs;
    availability[i] = provider.availability;
    fairness[i] = provider.fairness;
    utilization[i] = provider.utilization;
  }
}

function score(core: ServerCore, count: number): void {
  if (!core.scoreBatch(count).ok) throw new Error('The core refused to score.');
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

/** The formula of the core in plain JavaScript. Checks nothing. */
export function scoreColumns(columns: Columns<Float64Array | Float32Array>): void {
  const { price, quality, latencyMs, availability, fairness, utilization, scores } = columns;
  let lowestPrice = Number.POSITIVE_INFINITY;
  let lowestLatencyMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    if ((utilization[i] as number) >= 1) continue;
    if ((price[i] as number) < lowestPrice) lowestPrice = price[i] as number;
    if ((latencyMs[i] as number) < lowestLatencyMs) lowestLatencyMs = latencyMs[i] as number;
  }
  for (let i = 0; i < scores.length; i++) {
    const used = utilization[i] as number;
    if (used >= 1) {
      scores[i] = -1;
      continue;
    }
    const asked = price[i] as number;
    const waited = latencyMs[i] as number;
    scores[i] =
      ((asked === lowestPrice ? 1 : lowestPrice / asked) * 0.3 +
        (quality[i] as number) * 0.25 +
        (waited === lowestLatencyMs ? 1 : lowestLatencyMs / waited) * 0.2 +
        (availability[i] as number) * 0.15 +
        (fairness[i] as number) * 0.1) /
      (1 + used);
  }
}

function requireScores({ candidates }: ServerCore, expected: ArrayLike<number>): void {
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((candidates.scores[i] as number) - (expected[i] as number));
    if (!(difference < TOLERANCE)) throw new Error(`Score ${i} differs from the reference.`);
  }
}
