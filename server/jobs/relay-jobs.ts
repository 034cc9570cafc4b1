import type { RelayService } from '../domains/relay/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { type RepeatedJob, repeat } from './repeat.ts';

/** How long a TRANSIENT frame's nonce and a device's position may be in memory only, in milliseconds. */
const SAVE_PROGRESS_INTERVAL_MS = 1_000;
/** How often frames past their retention are removed, in milliseconds. */
const REMOVE_OLD_FRAMES_INTERVAL_MS = 60_000;

/** Keeps what the relay has in memory, and removes what it need not keep any more. */
export function startRelayJobs(dependencies: {
  readonly relay: Pick<RelayService, 'saveProgress' | 'removeOldFrames'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): RepeatedJob {
  const { relay } = dependencies;
  const jobs = [
    repeat(
      {
        operation: 'relay.saveProgress',
        intervalMs: SAVE_PROGRESS_INTERVAL_MS,
        work: () => relay.saveProgress(),
      },
      dependencies,
    ),
    repeat(
      {
        operation: 'relay.removeOldFrames',
        intervalMs: REMOVE_OLD_FRAMES_INTERVAL_MS,
        work: () => relay.removeOldFrames(),
      },
      dependencies,
    ),
  ];
  return { stop: async () => void (await Promise.all(jobs.map((job) => job.stop()))) };
}
