import type { AbuseService } from '../domains/abuse/index.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How often what has ended is removed, and what a command has undone is followed, in milliseconds. */
const REFRESH_INTERVAL_MS = 30_000;

/** What the job needs. */
export interface AbuseJobDependencies extends RepeatDependencies {
  readonly abuse: Pick<AbuseService, 'refresh'>;
}

/** Keeps the measures of this process as the database has them. */
export function startAbuseJobs(dependencies: AbuseJobDependencies): RepeatedJob {
  const { abuse } = dependencies;
  const refresh = {
    operation: 'abuse.refresh',
    intervalMs: REFRESH_INTERVAL_MS,
    work: () => abuse.refresh(),
  };
  return repeatAll([refresh], dependencies);
}
