import type { AccountService } from '../domains/accounts/index.ts';
import type { DeviceService } from '../domains/devices/index.ts';
import type { ResumptionService } from '../domains/sessions/index.ts';
import type { TenantService } from '../domains/tenants/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How often codes, sign-ins and invitations that have ended are removed, and keys are looked at, in milliseconds. */
const EACH_MINUTE_MS = 60_000;

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
    | 'rotateAccessTokenKeys'
    | 'rereadAccessTokenKeys'
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
  const eachMinute = (operation: string, work: () => Promise<void>) => ({
    operation,
    intervalMs: EACH_MINUTE_MS,
    lease,
    work,
  });
  return repeatAll(
    [
      eachMinute('users.removeExpired', () => accounts.removeExpired()),
      eachMinute('devices.removeExpiredClaims', () => devices.removeExpiredClaims()),
      eachMinute('devices.forgetProvisioned', () => devices.forgetProvisioned()),
      eachMinute('users.removeExpiredSignIns', () => accounts.removeExpiredSignIns()),
      eachMinute('users.removeExpiredChanges', () => accounts.removeExpiredChanges()),
      eachMinute('users.removeExpiredChallenges', () => accounts.removeExpiredChallenges()),
      eachMinute('ratatoskr.removeExpired', () => resumption.removeExpired()),
      eachMinute('oauth.removeExpired', () => accounts.removeExpiredPrograms()),
      eachMinute('oauth.rotateKeys', () => accounts.rotateAccessTokenKeys()),
      // Each node checks tokens: it has to know the keys that another one has made.
      {
        operation: 'oauth.rereadKeys',
        intervalMs: EACH_MINUTE_MS,
        work: () => accounts.rereadAccessTokenKeys(),
      },
      {
        operation: 'users.carryOutDeletions',
        intervalMs: CARRY_OUT_DELETIONS_INTERVAL_MS,
        lease,
        work: carryOutDeletions,
      },
      eachMinute('invitations.removeExpired', () => tenants.removeExpiredInvitations()),
    ],
    dependencies,
  );
}
