import type { PresenceLog } from '../domains/presence/index.ts';
import type { RelayService } from '../domains/relay/index.ts';
import type { JobLease } from '../kernel/lease.ts';
import { type RepeatDependencies, type RepeatedJob, repeatAll } from './repeat.ts';

/** How long a TRANSIENT frame's nonce, a device's position and its presence may be in memory only, in milliseconds. */
const SAVE_INTERVAL_MS = 1_000;
/** How long a frame that another node stored may stay unnoticed when the message about it is lost, in milliseconds. */
const CHECK_HEADS_INTERVAL_MS = 5_000;
/** How often frames past their retention are removed, in milliseconds. */
const REMOVE_OLD_FRAMES_INTERVAL_MS = 60_000;
/** How often what is acknowledged makes room for frames that found none, in milliseconds. */
const MAKE_ROOM_INTERVAL_MS = 5_000;

/** What the jobs of the relay need. */
export interface RelayJobDependencies extends RepeatDependencies {
  readonly relay: Pick<RelayService, 'saveProgress' | 'checkHeads' | 'removeOldFrames' | 'makeRoom'>;
  readonly presenceLog: Pick<PresenceLog, 'save'>;
  readonly lease: JobLease;
}

/** Keeps what relay and presence have in memory, reads what was missed, and removes what need not be kept any more. */
export function startRelayJobs(dependencies: RelayJobDependencies): RepeatedJob {
  const { relay, presenceLog, lease } = dependencies;
  return repeatAll(
    [
      {
        operation: 'relay.saveProgress',
        intervalMs: SAVE_INTERVAL_MS,
        work: () => relay.saveProgress(),
      },
      {
        operation: 'presence.save',
        intervalMs: SAVE_INTERVAL_MS,
        work: () => presenceLog.save(),
      },
      {
        operation: 'relay.checkHeads',
        intervalMs: CHECK_HEADS_INTERVAL_MS,
        work: () => relay.checkHeads(),
      },
      {
        operation: 'relay.removeOldFrames',
        intervalMs: REMOVE_OLD_FRAMES_INTERVAL_MS,
        lease,
        work: () => relay.removeOldFrames(),
      },
      {
        operation: 'relay.makeRoom',
        intervalMs: MAKE_ROOM_INTERVAL_MS,
        work: () => relay.makeRoom(),
      },
    ],
    dependencies,
  );
}
