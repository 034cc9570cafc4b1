import type { Clock } from '../kernel/clock.ts';
import type { JobLease } from '../kernel/lease.ts';
import type { Logger } from '../kernel/logger.ts';

/** Work that comes back. */
export interface RepeatedJob {
  /** Resolves when a round at work has ended; none follows. */
  stop(): Promise<void>;
}

/** A job, the pause between two rounds, and who does it. */
export interface Job {
  readonly operation: string;
  readonly intervalMs: number;
  /** Given: one node at a time does it, and the others look each round whether they may. Without it every node does. */
  readonly lease?: JobLease;
  readonly work: () => Promise<unknown>;
}

/** What repeating needs. */
export interface RepeatDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Does the work every `intervalMs`, the next round counted from the end of the last; a failed round is logged. */
export function repeat(job: Job, { clock, logger }: RepeatDependencies): RepeatedJob {
  let stopped = false;
  let round: Promise<void> = Promise.resolve();
  let cancel: () => void = () => {};
  const run = async () => {
    try {
      if (job.lease === undefined || (await job.lease.take(job.operation))) await job.work();
    } catch (error) {
      logger.error({ operation: job.operation, error }, 'a job failed and will be tried again');
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    cancel = clock.after(job.intervalMs, () => {
      round = run();
    });
  };
  schedule();
  return {
    stop: async () => {
      stopped = true;
      cancel();
      await round;
    },
  };
}

/** Repeats several jobs. */
export function repeatAll(jobs: readonly Job[], dependencies: RepeatDependencies): RepeatedJob {
  const repeated = jobs.map((job) => repeat(job, dependencies));
  return { stop: async () => void (await Promise.all(repeated.map((job) => job.stop()))) };
}
