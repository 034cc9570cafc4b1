import { type LockService, WAITERS_CHECK_MS } from '../domains/locks/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How often leases that are over are ended, in milliseconds: who waits for one gets the lock so much later. */
const EXPIRE_INTERVAL_MS = 500;
/** How often what nobody asks for any more is removed. */
const FORGET_INTERVAL_MS = 60_000;

/** What the jobs of locks need. */
export interface LockJobDependencies extends RepeatDependencies {
  readonly locks: Pick<LockService, 'expire' | 'forget' | 'lookAgain'>;
  readonly lease: JobLease;
}

/** Ends leases that are over, forgets what has ended, and has who waits at this node look again. */
export function startLockJobs(dependencies: LockJobDependencies): RepeatedJob {
  const { locks, lease } = dependencies;
  return repeatAll(
    [
      { operation: 'locks.expire', intervalMs: EXPIRE_INTERVAL_MS, lease, work: () => locks.expire() },
      { operation: 'locks.forget', intervalMs: FORGET_INTERVAL_MS, lease, work: () => locks.forget() },
      {
        operation: 'locks.lookAgain',
        intervalMs: WAITERS_CHECK_MS,
        work: async () => locks.lookAgain(),
      },
    ],
    dependencies,
  );
}
