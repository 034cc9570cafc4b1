/** Devices of a rollout: as many as a tenant may have by default. */
export const ROLLOUT_DEVICES_MAX = 10_000;
/** Rollouts of a tenant that aren't over. */
export const OPEN_ROLLOUTS_MAX = 10;
/** Rollouts of a tenant that are kept; of those that are over the oldest make room. */
export const ROLLOUTS_KEPT_MAX = 200;
/** Rollouts of one device that are told at once, the last. */
export const DEVICE_ROLLOUTS_MAX = 50;
/** Devices that a request names. */
export const NAMED_DEVICES_MAX = 1_000;
/** Devices that may be at work at the same time in one rollout. */
export const AT_ONCE_MAX = 1_000;
/** Devices that one rollout may start in a minute. */
export const PER_MINUTE_MAX = 10_000;
/** The window that `perMinuteMax` counts in, in milliseconds. */
export const MINUTE_MS = 60_000;
/** An offer that a device said nothing to is made again after so long, in milliseconds. */
export const OFFER_AGAIN_MS = 10_000;
/** Rollouts that the job reads together. */
export const ROLLOUTS_TOGETHER = 100;
/** Devices that wait, and are looked at in one round: most may be offline. */
export const QUEUED_TOGETHER = 500;
/** Devices that are read together where a rollout looks for its own. */
export const DEVICES_TOGETHER = 1_000;
/** Who follows rollouts at the same time, and what may wait for one of them. */
export const FOLLOW_LIMITS = { perAccountMax: 8, perTenantMax: 32, max: 1_000, waitingMax: 1_000 };
