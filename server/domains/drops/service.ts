import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import {
  FIRST_NOTICE_MS,
  FRAME_IDS_MAX,
  NETWORK_NOTICES_MAX,
  NOTICE_INTERVAL_MS,
  NOTICES_MAX,
  TOPIC_CHARACTERS_MAX,
  TOPICS_MAX,
} from './limits.ts';
import type { DeviceLookup, DropOutlets, DropStore } from './ports.ts';
import type { DropNotice, Dropped } from './types.ts';

/** What never reached its device. */
export interface DropService {
  /** Counts something that was dropped: its end is told within an interval, and nobody waits for it. */
  note(dropped: Dropped): void;
  /** The last notices of a device that the actor may see, the last first. Refuses with `device_not_found` all others. */
  list(actor: Actor, deviceId: DeviceId): Promise<readonly DropNotice[]>;
  /** Resolves when everything that was counted is kept and told. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface DropDependencies {
  readonly store: DropStore;
  readonly devices: DeviceLookup;
  readonly outlets: DropOutlets;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A notice that is still counted. */
interface Tally extends Dropped {
  count: number;
  readonly topics: Set<string>;
  readonly frameIds: string[];
  readonly sinceMs: number;
}

/** Builds the service. */
export function createDropService(dependencies: DropDependencies): DropService {
  const { store, devices, clock } = dependencies;
  const tallies = new Tallies();
  let cancel: (() => void) | null = null;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let idle: Promise<void> = Promise.resolve();

  const tellAll = (): void => {
    cancel?.();
    cancel = null;
    const nowMs = clock.nowMs();
    toldAtMs = clock.monotonicMs();
    const notices = tallies.take().map((tally) => noticeOf(tally, nowMs));
    if (notices.length === 0) return;
    const told = tell(notices, dependencies);
    const before = idle;
    idle = told.then(() => before);
  };

  return {
    note(dropped) {
      if (!tallies.add(dropped, clock.nowMs())) return;
      const restMs = toldAtMs + NOTICE_INTERVAL_MS - clock.monotonicMs();
      cancel ??= clock.after(Math.max(FIRST_NOTICE_MS, restMs), tellAll);
    },

    async list(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      await devices.getDevice(account, deviceId);
      return store.list(account, deviceId);
    },

    async stop() {
      tellAll();
      await idle;
    },
  };
}

/** What is counted until the next notices. */
class Tallies {
  #byKey = new Map<string, Tally>();
  #ofNetworks = new Map<NetworkId, number>();

  /** False: there are too many devices already, of all or of the network. */
  add(dropped: Dropped, nowMs: number): boolean {
    const { networkId, deviceId, end, cause, topic, frameId } = dropped;
    const key = `${networkId}${deviceId}${end}${cause}`;
    const tally = this.#byKey.get(key) ?? this.#begin(key, dropped, nowMs);
    if (tally === null) return false;
    tally.count++;
    if (topic !== undefined && tally.topics.size < TOPICS_MAX) tally.topics.add(shown(topic));
    if (frameId !== undefined && tally.frameIds.length < FRAME_IDS_MAX) tally.frameIds.push(frameId);
    return true;
  }

  take(): Tally[] {
    const taken = [...this.#byKey.values()];
    this.#byKey = new Map();
    this.#ofNetworks = new Map();
    return taken;
  }

  #begin(key: string, dropped: Dropped, nowMs: number): Tally | null {
    const { networkId } = dropped;
    const ofNetwork = this.#ofNetworks.get(networkId) ?? 0;
    if (this.#byKey.size >= NOTICES_MAX || ofNetwork >= NETWORK_NOTICES_MAX) return null;
    const tally = { ...dropped, count: 0, topics: new Set<string>(), frameIds: [], sinceMs: nowMs };
    this.#byKey.set(key, tally);
    this.#ofNetworks.set(networkId, ofNetwork + 1);
    return tally;
  }
}

/** A text that PostgreSQL has a place for: without halves of characters and NUL. */
const shown = (topic: string): string =>
  topic.slice(0, TOPIC_CHARACTERS_MAX).replaceAll(/[\p{Cs}\0]/gu, '\ufffd');

const noticeOf = (tally: Tally, atMs: number): DropNotice => {
  const { networkId, tenantId, deviceId, end, cause, count, topics, frameIds, sinceMs } = tally;
  const owner = { networkId, tenantId, deviceId };
  return { ...owner, end, cause, count, topics: [...topics], frameIds, sinceMs, atMs };
};

/** What fails is in the log: a notice is no message that anybody waits for. */
async function tell(
  notices: readonly DropNotice[],
  { store, outlets, logger }: Pick<DropDependencies, 'store' | 'outlets' | 'logger'>,
): Promise<void> {
  try {
    const kept = await store.save(notices);
    const told = kept.map((notice) =>
      notice.cause === 'frame_expired' ? outlets.send(notice) : outlets.publish(notice),
    );
    const failed = (await Promise.allSettled(told)).find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  } catch (error) {
    logger.warn({ operation: 'drops.tell', error }, 'devices were not told of what was dropped');
  }
}
