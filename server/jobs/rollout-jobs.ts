import type { RolloutService } from '../domains/rollouts/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How long a device that came, or a place that became free, may wait for the other, in milliseconds. */
const ADVANCE_INTERVAL_MS = 500;

/** What the job of rollouts needs. */
export interface RolloutJobDependencies extends RepeatDependencies {
  readonly rollouts: Pick<RolloutService, 'advance'>;
  readonly lease: JobLease;
}

/** Carries rollouts on. */
export function startRolloutJobs(dependencies: RolloutJobDependencies): RepeatedJob {
  const { rollouts, lease } = dependencies;
  return repeatAll(
    [
      {
        operation: 'rollouts.advance',
        intervalMs: ADVANCE_INTERVAL_MS,
        lease,
        work: () => rollouts.advance(),
      },
    ],
    dependencies,
  );
}
