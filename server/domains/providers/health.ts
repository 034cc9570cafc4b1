import {
  CONSECUTIVE_FAILURES_MAX,
  FAILED_ACCOUNTS_MIN,
  PAUSE_MS_FIRST,
  PAUSE_MS_MAX,
  SUCCESS_RATE_MIN,
  SUCCESS_RATE_SAMPLES_MIN,
  SUCCESS_RATE_STEP,
} from './limits.ts';

/** How far a provider is trusted with requests. */
export interface ProviderHealth {
  readonly consecutiveFailures: number;
  /** Accounts that saw these failures, where a requester could have caused them; `FAILED_ACCOUNTS_MIN` at most. */
  readonly failedAccounts: readonly string[];
  /** Some of these failures the provider alone can have caused. */
  readonly isItsOwn: boolean;
  readonly successRate: number;
  readonly samples: number;
  /** Until when it is put aside; null: it is not. */
  readonly pausedUntilMs: number | null;
  /** Pauses in a row. */
  readonly pauses: number;
}

/** A provider without history. */
export const HEALTHY: ProviderHealth = {
  consecutiveFailures: 0,
  failedAccounts: [],
  isItsOwn: false,
  successRate: 1,
  samples: 0,
  pausedUntilMs: null,
  pauses: 0,
};

/** A failed request, as far as its provider's health goes. */
export interface Failure {
  readonly wasProbe: boolean;
  /** Who asked. */
  readonly accountId: string;
  /** Nothing that a requester asks can bring it about: the connection is gone, the protocol is broken. */
  readonly isItsOwn: boolean;
}

/** `ready`: gets requests. `probe`: its pause is over, it gets one request. `paused`: none. */
export function trustOf(health: ProviderHealth, nowMs: number): 'ready' | 'probe' | 'paused' {
  if (health.pausedUntilMs === null) return 'ready';
  return nowMs >= health.pausedUntilMs ? 'probe' : 'paused';
}

/**
 * After a request that went well. Only a probe brings a provider back that was put aside: an old request that ends
 * well says nothing about now. It comes back as good as it was known to be, and not better. What an account has seen fail is
 * not made good by its own success: who fails and succeeds in turn would count each time.
 */
export function afterSuccess(health: ProviderHealth, wasProbe: boolean, accountId: string): ProviderHealth {
  const succeeded: ProviderHealth = {
    ...health,
    consecutiveFailures: 0,
    failedAccounts: health.failedAccounts.filter((account) => account === accountId),
    isItsOwn: false,
    successRate: health.successRate + (1 - health.successRate) * SUCCESS_RATE_STEP,
    samples: health.samples + 1,
  };
  if (!wasProbe) return succeeded;
  const successRate = Math.max(succeeded.successRate, SUCCESS_RATE_MIN + SUCCESS_RATE_STEP);
  return { ...succeeded, successRate, pausedUntilMs: null, pauses: Math.max(0, health.pauses - 1) };
}

/** True: another failure of this account would tell nothing that its earlier one didn't. */
export function isToldAlready(health: ProviderHealth, { wasProbe, accountId, isItsOwn }: Failure): boolean {
  return !wasProbe && !isItsOwn && health.failedAccounts.includes(accountId);
}

/**
 * After a request that failed. What its requester may have caused counts once for each account until another's goes well, and
 * puts nobody aside before several accounts have seen it. `fraction` in [0, 1) is the jitter.
 */
export function afterFailure(
  health: ProviderHealth,
  failure: Failure,
  nowMs: number,
  fraction: number,
): ProviderHealth {
  if (isToldAlready(health, failure)) {
    return { ...health, consecutiveFailures: health.consecutiveFailures + 1 };
  }
  const accounts = failure.isItsOwn ? [] : [failure.accountId];
  const failed: ProviderHealth = {
    ...health,
    consecutiveFailures: health.consecutiveFailures + 1,
    failedAccounts: [...health.failedAccounts, ...accounts].slice(-FAILED_ACCOUNTS_MIN),
    isItsOwn: health.isItsOwn || failure.isItsOwn,
    successRate: health.successRate * (1 - SUCCESS_RATE_STEP),
    samples: health.samples + 1,
  };
  const isSeenBySeveral = failed.isItsOwn || failed.failedAccounts.length >= FAILED_ACCOUNTS_MIN;
  const accrued =
    (isSeenBySeveral && failed.consecutiveFailures >= CONSECUTIVE_FAILURES_MAX) ||
    (failed.samples >= SUCCESS_RATE_SAMPLES_MIN && failed.successRate < SUCCESS_RATE_MIN);
  if (!failure.wasProbe && (!accrued || health.pausedUntilMs !== null)) return failed;
  return pause(failed, nowMs, fraction);
}

/** Puts a provider aside: from the first pause on twice as long each time, each between half and one and a half. */
export function pause(health: ProviderHealth, nowMs: number, fraction: number): ProviderHealth {
  const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** health.pauses) * (0.5 + fraction);
  return { ...health, pausedUntilMs: nowMs + pauseMs, pauses: Math.min(health.pauses + 1, 10) };
}
