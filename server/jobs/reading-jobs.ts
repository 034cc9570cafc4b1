import type { ReadingService } from '../domains/readings/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How often readings that are too old or too many are removed, in milliseconds: between two runs a network may have more. */
const REMOVE_INTERVAL_MS = 10_000;

/** What the jobs of readings need. */
export interface ReadingJobDependencies extends RepeatDependencies {
  readonly readings: Pick<ReadingService, 'age'>;
  readonly lease: JobLease;
}

/** Condenses readings as they age, and removes those that need not be kept any more. */
export function startReadingJobs(dependencies: ReadingJobDependencies): RepeatedJob {
  const { readings, lease } = dependencies;
  return repeatAll(
    [
      {
        operation: 'readings.age',
        intervalMs: REMOVE_INTERVAL_MS,
        lease,
        work: () => readings.age(),
      },
    ],
    dependencies,
  );
}
