/** Characters of a lock's name, and of a holder's. */
export const LOCK_NAME_CHARACTERS_MAX = 200;
/** Priorities go from 0 to this; the highest goes first. */
export const LOCK_PRIORITY_MAX = 9;
/** The priority of who says none. */
export const LOCK_PRIORITY_DEFAULT = 5;
/** The shortest lease: a renewal takes a round trip, and one may be lost. */
export const LEASE_SECONDS_MIN = 1;
/** The longest: what a holder that is gone blocks others for. */
export const LEASE_SECONDS_MAX = 3_600;
/** A lease where none is said: three renewals of ten seconds. */
export const LEASE_SECONDS_DEFAULT = 30;
/** The longest wait of one request; proxies give up after sixty seconds. */
export const WAIT_SECONDS_MAX = 50;
/** How long nobody gets the lock of a holder that expired, at most, */
export const DELAY_SECONDS_MAX = 60;
/** and where it doesn't say: what it sent before it hung arrives in this time. */
export const DELAY_SECONDS_DEFAULT = 5;

/** How long a place in a queue, and a lock that came to nobody who listened, are kept for who comes back. */
export const PLACE_MS = 10_000;
/** How long it is known why a claim was lost. */
export const ENDED_KEPT_MS = 120_000;
/** A name that nobody has used for this long is forgotten; its tokens go on where they were. */
export const NAME_KEPT_MS = 86_400_000;

/** What a tenant may have, and each account or device of it. */
export interface LockLimits {
  readonly namesMax: number;
  readonly heldMax: number;
  readonly waitingMax: number;
  readonly heldByPrincipalMax: number;
  readonly waitingByPrincipalMax: number;
}

/** Names cost a row each; who waits is looked at whenever the queue moves. */
export const LOCK_LIMITS: LockLimits = {
  namesMax: 10_000,
  heldMax: 10_000,
  waitingMax: 1_000,
  heldByPrincipalMax: 1_000,
  waitingByPrincipalMax: 200,
};

/** Commands of one transaction. */
export const BATCH_COMMANDS_MAX = 256;
/** Commands that wait for their transaction, of one tenant half of what is free. */
export const COMMANDS_WAITING_MAX = 10_000;
/** How often who waits here is looked up, should nobody have told: a lost message does no harm. */
export const WAITERS_CHECK_MS = 5_000;
/** Tenants that are looked at together for what has expired. */
export const TENDED_TENANTS_MAX = 500;
/** How many who wait are shown of one lock. */
export const QUEUE_SHOWN_MAX = 100;
