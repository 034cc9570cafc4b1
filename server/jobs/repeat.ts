import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';

/** Work that comes back. */
export interface RepeatedJob {
  /** Resolves when a round at work has ended; none follows. */
  stop(): Promise<void>;
}

/** Does `work` every `intervalMs`, the next round counted from the end of the last; a failed round is logged. */
export function repeat(
  job: { readonly operation: string; readonly intervalMs: number; readonly work: () => Promise<unknown> },
  dependencies: { readonly clock: Clock; readonly logger: Logger },
): RepeatedJob {
  const { clock, logger } = dependencies;
  let stopped = false;
  let round: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      await job.work();
    } catch (error) {
      logger.error({ operation: job.operation, error }, 'a job failed and will be tried again');
    }
    if (!stopped) schedule();
  };
  let cancel: () => void = () => {};
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
