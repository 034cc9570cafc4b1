import type { AccountService } from '../domains/accounts/index.ts';
import type { DeviceService } from '../domains/devices/index.ts';
import type { ResumptionService } from '../domains/sessions/index.ts';
import type { TenantService } from '../domains/tenants/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How often codes, sign-ins and invitations that have ended are removed, in milliseconds. */
const REMOVE_EXPIRED_INTERVAL_MS = 60_000;

/** How often accounts whose time is over are deleted, in milliseconds. */
const CARRY_OUT_DELETIONS_INTERVAL_MS = 30_000;

/** What the jobs about accounts need. */
export interface IdentityJobDependencies extends RepeatDependencies {
  readonly accounts: Pick<
    AccountService,
    | 'removeExpired'
    | 'removeExpiredSignIns'
    | 'removeExpiredChanges'
    | 'removeExpiredPrograms'
    | 'removeExpiredChallenges'
  >;
  readonly devices: Pick<DeviceService, 'removeExpiredClaims' | 'forgetProvisioned'>;
  readonly tenants: Pick<TenantService, 'removeExpiredInvitations'>;
  readonly resumption: Pick<ResumptionService, 'removeExpired'>;
  readonly carryOutDeletions: () => Promise<void>;
  readonly lease: JobLease;
}

/** Removes what has ended, and accounts that are to be deleted. */
export function startIdentityJobs(dependencies: IdentityJobDependencies): RepeatedJob {
  const { accounts, tenants, devices, resumption, carryOutDeletions, lease } = dependencies;
  return repeatAll(
    [
      {
        operation: 'users.removeExpired',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => accounts.removeExpired(),
      },
      {
        operation: 'devices.removeExpiredClaims',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => devices.removeExpiredClaims(),
      },
      {
        operation: 'devices.forgetProvisioned',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => devices.forgetProvisioned(),
      },
      {
        operation: 'users.removeExpiredSignIns',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => accounts.removeExpiredSignIns(),
      },
      {
        operation: 'users.removeExpiredChanges',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => accounts.removeExpiredChanges(),
      },
      {
        operation: 'users.removeExpiredChallenges',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => accounts.removeExpiredChallenges(),
      },
      {
        operation: 'ratatoskr.removeExpired',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => resumption.removeExpired(),
      },
      {
        operation: 'oauth.removeExpired',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => accounts.removeExpiredPrograms(),
      },
      {
        operation: 'users.carryOutDeletions',
        intervalMs: CARRY_OUT_DELETIONS_INTERVAL_MS,
        lease,
        work: carryOutDeletions,
      },
      {
        operation: 'invitations.removeExpired',
        intervalMs: REMOVE_EXPIRED_INTERVAL_MS,
        lease,
        work: () => tenants.removeExpiredInvitations(),
      },
    ],
    dependencies,
  );
}
