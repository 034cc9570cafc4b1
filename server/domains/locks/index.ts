export { requireLockToken } from './guard.postgres.ts';
export {
  DELAY_SECONDS_DEFAULT,
  DELAY_SECONDS_MAX,
  LEASE_SECONDS_DEFAULT,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  LOCK_LIMITS,
  LOCK_NAME_CHARACTERS_MAX,
  LOCK_PRIORITY_DEFAULT,
  LOCK_PRIORITY_MAX,
  type LockLimits,
  WAIT_SECONDS_MAX,
  WAITERS_CHECK_MS,
} from './limits.ts';
export type { LockStore } from './ports.ts';
export { type AskedLock, createLockService, type LockService } from './service.ts';
export { createLockStore } from './store.postgres.ts';
export {
  type Claim,
  type ClaimView,
  LOCK_MODES,
  type LockEntry,
  type LockMode,
  type LockScope,
} from './types.ts';
