import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { ReadingsPart } from './readings-part.ts';

const ROUNDS = 4;
const QUESTIONS = 100;
const QUESTIONS_QUICK = 10;

/** Readings that are kept in a second, and a day of one sensor by minute, each beside bare tables in the same database. */
export async function compareReadings(
  report: (result: BenchResult) => void,
  { seconds, quick }: BenchOptions,
): Promise<void> {
  const readings = startPart<ReadingsPart>('readings', 'server');
  const rounds = quick ? 1 : ROUNDS;
  const times = quick ? QUESTIONS_QUICK : QUESTIONS;
  const [kept, keptBare, read, readBare]: [number[], number[], number[][], number[][]] = [[], [], [], []];
  try {
    await readings.call('open', null);
    await readings.call('keep', { seconds: seconds / 3 });
    await readings.call('readDay', { times: 5 });
    for (let count = 0; count < rounds; count++) {
      kept.push(await readings.call('keep', { seconds }));
      keptBare.push(await readings.call('keepBare', { seconds }));
      read.push(await readings.call('readDay', { times }));
      readBare.push(await readings.call('readDayBare', { times }));
    }
    await readings.call('close', null);
  } finally {
    await readings.stop();
  }
  const most = (rates: readonly number[]) => Math.max(...rates);
  const median = (runs: readonly number[][]) =>
    Math.min(...runs.map((run) => run[Math.floor(run.length / 2)] ?? Number.POSITIVE_INFINITY));
  const slowest = (runs: readonly number[][]) => Math.min(...runs.map((run) => run.at(-1) ?? 0));
  report({
    name: 'readings-kept',
    ours: round(most(kept)),
    reference: round(most(keptBare)),
    ratio: round(most(kept) / most(keptBare)),
    unit: 'readings/s',
    runs: rounds,
  });
  report({
    name: 'readings-day',
    ours: round(median(read)),
    reference: round(median(readBare)),
    ratio: round(median(readBare) / median(read)),
    unit: 'ms',
    runs: rounds,
    note: `the slowest of ${times}: ${round(slowest(read))} and ${round(slowest(readBare))} ms`,
  });
}
