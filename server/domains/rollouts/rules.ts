import {
  DEVICE_STATES,
  type DeviceCounts,
  type DeviceState,
  type ReportedState,
  type RolloutPace,
} from './types.ts';

/** States of a device that is at it: one update at a time. */
export const AT_WORK: readonly DeviceState[] = [
  'initiated',
  'downloading',
  'downloaded',
  'verified',
  'updating',
];

/** None of them. */
export const NO_DEVICES: DeviceCounts = Object.fromEntries(
  DEVICE_STATES.map((state) => [state, 0]),
) as Record<DeviceState, number>;

/** How many are in one of these states. */
export function countOf(counts: DeviceCounts, states: readonly DeviceState[]): number {
  return states.reduce((sum, state) => sum + counts[state], 0);
}

const FAILED: readonly DeviceState[] = ['failed', 'refused', 'rolled_back'];

/** What becomes of a rollout that runs. */
export function decideRollout(counts: DeviceCounts, pace: RolloutPace): 'aborted' | 'completed' | 'running' {
  const failed = countOf(counts, FAILED);
  const over = failed + counts.updated;
  if (over >= pace.failedAfter && failed * 100 > pace.failedPercentMax * over) return 'aborted';
  return counts.queued + countOf(counts, AT_WORK) === 0 ? 'completed' : 'running';
}

/** How many more devices may be started now. */
export function roomFor(counts: DeviceCounts, startedLately: number, pace: RolloutPace): number {
  const atOnce = pace.atOnceMax - countOf(counts, AT_WORK);
  return Math.max(0, Math.min(atOnce, pace.perMinuteMax - startedLately));
}

/**
 * The states from which a report leads to its state. A device goes forward only: what comes twice or late changes nothing. What was
 * given up as failed ends as the device says it did.
 */
export function statesBefore(reported: ReportedState): readonly DeviceState[] {
  const isOver = DEVICE_STATES.indexOf(reported) >= DEVICE_STATES.indexOf('updated');
  if (isOver) return reported === 'failed' ? AT_WORK : [...AT_WORK, 'failed'];
  return AT_WORK.slice(0, AT_WORK.indexOf(reported) + 1);
}
