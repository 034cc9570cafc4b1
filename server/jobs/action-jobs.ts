import type { ActionService, JointActionService } from '../domains/actions/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How long an action may stay open past its time, in milliseconds. */
const EXPIRE_INTERVAL_MS = 500;
/** How often what ended long ago is removed. */
const FORGET_INTERVAL_MS = 60_000;

/** What the jobs of actions need. */
export interface ActionJobDependencies extends RepeatDependencies {
  readonly actions: Pick<ActionService, 'expire' | 'forget'>;
  readonly jointActions: Pick<JointActionService, 'expire' | 'forget'>;
  readonly lease: JobLease;
}

/** Ends actions whose time is over, and forgets those that ended long ago. */
export function startActionJobs(dependencies: ActionJobDependencies): RepeatedJob {
  const { actions, jointActions, lease } = dependencies;
  return repeatAll(
    [
      { operation: 'actions.expire', intervalMs: EXPIRE_INTERVAL_MS, lease, work: () => actions.expire() },
      { operation: 'actions.forget', intervalMs: FORGET_INTERVAL_MS, lease, work: () => actions.forget() },
      {
        operation: 'actions.joint.expire',
        intervalMs: EXPIRE_INTERVAL_MS,
        lease,
        work: () => jointActions.expire(),
      },
      {
        operation: 'actions.joint.forget',
        intervalMs: FORGET_INTERVAL_MS,
        lease,
        work: () => jointActions.forget(),
      },
    ],
    dependencies,
  );
}
