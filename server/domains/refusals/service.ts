import type { Actor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { gather } from '../../kernel/gather.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { BATCH_REFUSALS_MAX, TOPIC_CHARACTERS_MAX, WAITING_MAX } from './limits.ts';
import type { DeviceLookup, RefusalStore } from './ports.ts';
import type { NotedRefusal, Refusal } from './types.ts';

/** What devices were refused. */
export interface RefusalService {
  /** Notes what a device was refused, and doesn't wait for it to be written. */
  note(device: DeviceActor, refusal: Omit<Refusal, 'atMs'>): void;
  /** The last refusals of a device that the actor may see, the last first. Refuses with `device_not_found` all others. */
  list(actor: Actor, deviceId: DeviceId): Promise<readonly Refusal[]>;
  /** Resolves when everything is written. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface RefusalDependencies {
  readonly store: RefusalStore;
  readonly devices: DeviceLookup;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A device was refused something. */
  readonly noted: (deviceId: DeviceId) => void;
}

/** Builds the service. */
export function createRefusalService(dependencies: RefusalDependencies): RefusalService {
  const { store, devices, clock, logger, noted } = dependencies;
  let waiting = 0;
  let idle: Promise<void> = Promise.resolve();
  const keep = gather(async (refusals: readonly NotedRefusal[]) => {
    try {
      await store.save(refusals);
      return refusals.map(() => undefined);
    } catch (error) {
      if (refusals.length === 1) throw error;
      // One by one, so that none is lost for the sake of a device that is gone.
      const outcomes = await Promise.allSettled(refusals.map((refusal) => store.save([refusal])));
      return outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? undefined : Promise.reject(outcome.reason),
      );
    }
  }, BATCH_REFUSALS_MAX);

  const write = async (refusal: NotedRefusal): Promise<void> => {
    waiting++;
    try {
      await keep(refusal);
    } catch (error) {
      logger.warn({ operation: 'refusals.note', error }, 'a refusal was not noted');
    } finally {
      waiting--;
    }
  };

  return {
    note({ deviceId, tenantId }, { topic, ...refusal }) {
      noted(deviceId);
      if (waiting >= WAITING_MAX) return;
      const shown = topic === null ? null : keepable(topic.slice(0, TOPIC_CHARACTERS_MAX));
      const written = write({ ...refusal, topic: shown, atMs: clock.nowMs(), deviceId, tenantId });
      const before = idle;
      idle = written.then(() => before);
    },

    async list(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      await devices.getDevice(account, deviceId);
      return store.list(account, deviceId);
    },

    stop: () => idle,
  };
}

/** A text that PostgreSQL has a place for: without halves of characters and NUL. */
const keepable = (text: string): string => text.replaceAll(/[\p{Cs}\0]/gu, '\ufffd');
