import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import type { Part } from '../processes/part.ts';
import type { Latency, Load, Throughput } from './index.ts';
import type { LaneSpec } from './lanes.ts';

/** Rounds of ours and the reference in turns, so that a busy moment of the machine hits both. */
const ROUNDS = 4;

/** One side of a comparison. */
export interface Side {
  readonly lanes: readonly LaneSpec[];
  readonly serverProcessId: number;
  /** The database's first process, where its processor time is the server's as well. */
  readonly databaseProcessId?: number;
}

/** What was measured of both, a value for each round. */
export interface Rounds<Measured> {
  readonly ours: readonly Measured[];
  readonly reference: readonly Measured[];
}

type Settings = Pick<BenchOptions, 'seconds' | 'quick'>;

/** Both sides as fast as they go, with `window` messages of a lane under way. */
export function saturateBoth(
  load: Part<Load>,
  ours: Side,
  reference: Side,
  settings: Settings,
  window: number,
): Promise<Rounds<Throughput>> {
  return inTurns(load, ours, reference, settings, (run) => load.call('saturate', { ...run, window }));
}

/** Both sides at the same rate, in messages a second. */
export function paceBoth(
  load: Part<Load>,
  ours: Side,
  reference: Side,
  settings: Settings,
  rate: number,
): Promise<Rounds<Latency>> {
  return inTurns(load, ours, reference, settings, (run) => load.call('pace', { ...run, rate }));
}

async function inTurns<Measured>(
  load: Part<Load>,
  ours: Side,
  reference: Side,
  { seconds, quick }: Settings,
  run: (input: Omit<Side, 'lanes'> & { readonly seconds: number }) => Promise<Measured>,
): Promise<Rounds<Measured>> {
  const measure = async ({ lanes, ...processes }: Side) => {
    await load.call('open', lanes);
    // The compilers of both ends have to have seen it.
    await run({ seconds: seconds / 3, ...processes });
    const measured = await run({ seconds, ...processes });
    await load.call('close', null);
    return measured;
  };
  const rounds = { ours: [] as Measured[], reference: [] as Measured[] };
  for (let count = quick ? 1 : ROUNDS; count > 0; count--) {
    rounds.ours.push(await measure(ours));
    rounds.reference.push(await measure(reference));
  }
  return rounds;
}

/** The best rate of the rounds, in messages a second: what the others lack, the machine was doing something else. */
export function bestRate(measured: readonly Throughput[]): number {
  return Math.max(...measured.map(({ messages, seconds }) => messages / seconds));
}

/** Messages a second beside each other. */
export function rateResult(name: string, rounds: Rounds<Throughput>): BenchResult {
  const [ours, reference] = [bestRate(rounds.ours), bestRate(rounds.reference)];
  return {
    ...figures(name, ours, reference, ours / reference, rounds),
    unit: 'msg/s',
  };
}

/** Processor time of the servers for one message beside each other. */
export function cpuResult(name: string, rounds: Rounds<Throughput>): BenchResult {
  const best = (measured: readonly Throughput[]) =>
    Math.min(...measured.map(({ messages, serverSeconds }) => (serverSeconds * 1e6) / messages));
  const [ours, reference] = [best(rounds.ours), best(rounds.reference)];
  return {
    ...figures(name, ours, reference, reference / ours, rounds),
    unit: 'us/msg',
    note: `${Math.round(bestRate(rounds.ours))} messages/s, reference ${Math.round(bestRate(rounds.reference))}`,
  };
}

/** The slowest message of a hundred beside each other. */
export function latencyResult(name: string, rounds: Rounds<Latency>): BenchResult {
  const best = (measured: readonly Latency[], of: 'p50Ms' | 'p99Ms') =>
    Math.min(...measured.map((run) => run[of]));
  const [ours, reference] = [best(rounds.ours, 'p99Ms'), best(rounds.reference, 'p99Ms')];
  const unknown = rounds.ours.reduce((sum, run) => sum + run.unknown, 0);
  return {
    ...figures(name, ours, reference, reference / ours, rounds),
    unit: 'ms',
    note: `at ${Math.round(bestRate(rounds.ours))} messages/s; medians ${round(best(rounds.ours, 'p50Ms'))} and ${round(best(rounds.reference, 'p50Ms'))} ms${unknown > 0 ? `; ${unknown} came twice and are not timed` : ''}`,
  };
}

function figures(name: string, ours: number, reference: number, ratio: number, rounds: Rounds<Throughput>) {
  const shares = [...rounds.ours, ...rounds.reference].map(({ loadShare }) => loadShare);
  return {
    name,
    ours: round(ours),
    reference: round(reference),
    ratio: round(ratio),
    runs: rounds.ours.length,
    loadShare: round(Math.max(...shares)),
  };
}
