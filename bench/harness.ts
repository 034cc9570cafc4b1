import { availableParallelism, cpus } from 'node:os';

/** One figure: ours beside the reference's, in `unit` an operation. `ratio` above 1 is always better for us. */
export interface BenchResult {
  readonly name: string;
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  readonly unit: string;
  readonly runs: number;
  /** How much of its core the load generator used, from 0 to 1; absent where there is none. At 1 it would be the limit. */
  readonly loadShare?: number;
  /** What else was measured on the way, for a reader. */
  readonly note?: string;
}

/** How long a suite may take. */
export interface BenchOptions {
  /** Seconds of one measured interval. */
  readonly seconds: number;
  /** One round of everything, small: shows that a suite works, not how fast the server is. */
  readonly quick: boolean;
  /** What has to last is measured for ten minutes instead of half a minute. */
  readonly long: boolean;
}

/** A folder of this directory. `run` reports each result as soon as it has it. */
export interface BenchSuite {
  readonly name: string;
  run(report: (result: BenchResult) => void, options: BenchOptions): Promise<void>;
}

/** Two ways to do the same. Both callbacks do `operations` operations a call. */
export interface Comparison {
  readonly name: string;
  readonly operations: number;
  readonly ours: () => void;
  readonly reference: () => void;
}

const RUNS = 9;
const RUN_MS = 40;
const WARM_UP_MS = 150;

/**
 * Times two ways to do the same, in turns, so that a busy moment of the machine hits both, and returns the median of each
 * in nanoseconds an operation.
 */
export function compare({ name, operations, ours, reference }: Comparison): BenchResult {
  const oursRepeats = warmUp(ours);
  const referenceRepeats = warmUp(reference);
  const oursNs: number[] = [];
  const referenceNs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    oursNs.push(time(ours, oursRepeats) / operations);
    referenceNs.push(time(reference, referenceRepeats) / operations);
  }
  const oursMedian = median(oursNs);
  const referenceMedian = median(referenceNs);
  return {
    name,
    ours: round(oursMedian),
    reference: round(referenceMedian),
    ratio: round(referenceMedian / oursMedian),
    unit: 'ns/op',
    runs: RUNS,
  };
}

/** The middle value, or the mean of the two in the middle. Throws RangeError when there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('No values.');
  return (upper + lower) / 2;
}

/** What the figures were measured on. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${model}, ${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}

// Runs until the code is compiled, and returns how many calls fill one run.
function warmUp(work: () => void): number {
  let calls = 0;
  const end = performance.now() + WARM_UP_MS;
  while (performance.now() < end) {
    work();
    calls++;
  }
  return Math.max(1, Math.round((calls * RUN_MS) / WARM_UP_MS));
}

function time(work: () => void, repeats: number): number {
  globalThis.gc?.();
  const start = process.hrtime.bigint();
  for (let i = 0; i < repeats; i++) work();
  return Number(process.hrtime.bigint() - start) / repeats;
}

/** A figure with four digits, as it is reported. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}
