import type { PairingService } from '../domains/pairings/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How long a question may stay open past its time, in milliseconds. */
const EXPIRE_INTERVAL_MS = 1_000;

/** What the jobs of connections between devices need. */
export interface PairingJobDependencies extends RepeatDependencies {
  readonly pairings: Pick<PairingService, 'expire'>;
  readonly lease: JobLease;
}

/** Ends questions that nobody answered in time. */
export function startPairingJobs(dependencies: PairingJobDependencies): RepeatedJob {
  const { pairings, lease } = dependencies;
  return repeatAll(
    [
      {
        operation: 'connections.expire',
        intervalMs: EXPIRE_INTERVAL_MS,
        lease,
        work: () => pairings.expire(),
      },
    ],
    dependencies,
  );
}
