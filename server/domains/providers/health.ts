import {
  CONSECUTIVE_FAILURES_MAX,
  PAUSE_MS_FIRST,
  PAUSE_MS_MAX,
  SUCCESS_RATE_MIN,
  SUCCESS_RATE_SAMPLES_MIN,
  SUCCESS_RATE_STEP,
} from './limits.ts';

/** How far a provider is trusted with requests. */
export interface ProviderHealth {
  readonly consecutiveFailures: number;
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
  successRate: 1,
  samples: 0,
  pausedUntilMs: null,
  pauses: 0,
};

/** `ready`: gets requests. `probe`: its pause is over, it gets one request. `paused`: none. */
export function trustOf(health: ProviderHealth, nowMs: number): 'ready' | 'probe' | 'paused' {
  if (health.pausedUntilMs === null) return 'ready';
  return nowMs >= health.pausedUntilMs ? 'probe' : 'paused';
}

/**
 * After a request that went well. Only a probe brings a provider back that was put aside: an old request that ends
 * well says nothing about now.
 */
export function afterSuccess(health: ProviderHealth, wasProbe: boolean): ProviderHealth {
  if (wasProbe) return { ...HEALTHY, pauses: Math.max(0, health.pauses - 1) };
  return {
    ...health,
    consecutiveFailures: 0,
    successRate: health.successRate + (1 - health.successRate) * SUCCESS_RATE_STEP,
    samples: health.samples + 1,
  };
}

/** After a request that failed. `fraction` in [0, 1) is the jitter. */
export function afterFailure(
  health: ProviderHealth,
  wasProbe: boolean,
  nowMs: number,
  fraction: number,
): ProviderHealth {
  const failed: ProviderHealth = {
    ...health,
    consecutiveFailures: health.consecutiveFailures + 1,
    successRate: health.successRate * (1 - SUCCESS_RATE_STEP),
    samples: health.samples + 1,
  };
  const accrued =
    failed.consecutiveFailures >= CONSECUTIVE_FAILURES_MAX ||
    (failed.samples >= SUCCESS_RATE_SAMPLES_MIN && failed.successRate < SUCCESS_RATE_MIN);
  if (!wasProbe && (!accrued || health.pausedUntilMs !== null)) return failed;
  return pause(failed, nowMs, fraction);
}

/** Puts a provider aside: from the first pause on twice as long each time, each between half and one and a half. */
export function pause(health: ProviderHealth, nowMs: number, fraction: number): ProviderHealth {
  const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** health.pauses) * (0.5 + fraction);
  return { ...health, pausedUntilMs: nowMs + pauseMs, pauses: Math.min(health.pauses + 1, 10) };
}
