import type { AuditLog } from '../domains/audit/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How often the heads of logs that have grown are signed, in milliseconds: until then their end can be cut unnoticed. */
const SIGN_INTERVAL_MS = 60_000;
/** How often records that are too old or too many are removed, in milliseconds. */
const REMOVE_INTERVAL_MS = 600_000;

/** What the jobs of the audit need. */
export interface AuditJobDependencies extends RepeatDependencies {
  readonly log: Pick<AuditLog, 'signHeads' | 'removeOld'>;
  readonly lease: JobLease;
}

/** Signs heads, and removes what need not be kept any more. */
export function startAuditJobs(dependencies: AuditJobDependencies): RepeatedJob {
  const { log, lease } = dependencies;
  return repeatAll(
    [
      { operation: 'audit.signHeads', intervalMs: SIGN_INTERVAL_MS, lease, work: () => log.signHeads() },
      { operation: 'audit.removeOld', intervalMs: REMOVE_INTERVAL_MS, lease, work: () => log.removeOld() },
    ],
    dependencies,
  );
}
