import type { Actor } from '../../kernel/actor.ts';
import { type Clock, DAY_MS } from '../../kernel/clock.ts';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import { gather } from '../../kernel/gather.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { StorageRoom } from '../../kernel/storage-room.ts';
import {
  BATCH_READINGS_MAX,
  DETAIL_DAYS,
  PARTS_PAUSE_MS,
  REMOVAL_ROUNDS_MAX,
  REMOVED_POINTS_MAX,
  TENANT_WAITING_MAX,
  WAITING_MAX,
} from './limits.ts';
import { liveReadings, tellAll } from './live-readings.ts';
import type { DeviceLookup, ReadingStore } from './ports.ts';
import { isKeepable, measuredAt, rangeOf } from './rules.ts';
import type { AskedRange, KeptReading, ReadingPoint, ReadingSource, SaidReading } from './types.ts';

/** What devices measure: the last value and the history of each reading. */
export interface ReadingService {
  /**
   * Keeps what a device says in a network. Resolves when it is written. Refuses with `invalid_input` what can't be kept, with `limit_reached` what the device has too many
   * readings for, with `storage_full`, and with `unavailable` where too much waits.
   */
  record(source: ReadingSource, said: readonly SaidReading[]): Promise<void>;
  /** The last value of each reading of a device that the actor may see. Refuses with `device_not_found` all others. */
  listLast(actor: Actor, deviceId: DeviceId): Promise<readonly ReadingPoint[]>;
  /** A part of a reading's history, oldest first. Refuses as `listLast` does. */
  listHistory(actor: Actor, deviceId: DeviceId, range: AskedRange): Promise<readonly ReadingPoint[]>;
  /**
   * The last value of each reading of a device, then what it says from now on, as it is kept. Refuses as `listLast` does, and with
   * `limit_reached` where as many follow as may, at once or when the first is asked for. Ends with `signal`; rejects with
   * `consumer_too_slow` where its reader is.
   */
  follow(actor: Actor, deviceId: DeviceId, signal: AbortSignal): Promise<AsyncIterable<ReadingPoint>>;
  /** Calls `hear` with what is kept from now on. */
  onKept(hear: (kept: readonly KeptReading[]) => void): void;
  /** Ends what is followed. */
  stopFollowing(): void;
  /** For how many days the tenant's readings are kept. */
  getRetentionDays(actor: Actor): Promise<number>;
  /** Chooses for how many. */
  setRetentionDays(actor: Actor, days: number): Promise<void>;
  /** Makes hours of what is a week old, and removes what is too old or too much, some of it: the next call goes on. */
  age(): Promise<void>;
  /** Resolves when everything is written. */
  stop(): Promise<void>;
}

export interface ReadingOptions {
  /** Days that points are kept where the tenant chose nothing. */
  readonly retentionDays: number;
  /** Bytes of points that a network keeps. */
  readonly networkBytesMax: number;
}

/** What the service needs. */
export interface ReadingDependencies {
  readonly store: ReadingStore;
  readonly devices: DeviceLookup;
  readonly clock: Clock;
  readonly room: StorageRoom;
}

/** Builds the service. */
export function createReadingService(
  options: ReadingOptions,
  dependencies: ReadingDependencies,
): ReadingService {
  const { store, devices, clock } = dependencies;
  const live = liveReadings();
  /** Parts are made and dropped from then on, in monotonic milliseconds. */
  let partsDueMs = Number.NEGATIVE_INFINITY;
  const hearers = [(kept: readonly KeptReading[]) => tellAll(live, kept)];
  const tell = (kept: readonly KeptReading[]): void => {
    for (const hear of hearers) hear(kept);
  };
  return {
    ...createRecorder(dependencies, tell),
    onKept: (hear) => void hearers.push(hear),
    stopFollowing: () => live.close(),

    async follow(actor, deviceId, signal) {
      const account = requirePermission(actor, 'devices.read');
      await devices.getDevice(account, deviceId);
      live.requireRoom(account);
      return live.follow(account, [deviceId], () => store.listLast(account, deviceId), signal);
    },

    async listLast(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      await devices.getDevice(account, deviceId);
      return store.listLast(account, deviceId);
    },

    async listHistory(actor, deviceId, range) {
      const account = requirePermission(actor, 'devices.read');
      await devices.getDevice(account, deviceId);
      return store.listHistory(account, deviceId, rangeOf(range, clock.nowMs()));
    },

    async getRetentionDays(actor) {
      const account = requirePermission(actor, 'networks.manage');
      return (await store.findRetentionDays(account)) ?? options.retentionDays;
    },

    async setRetentionDays(actor, days) {
      await store.saveRetentionDays(requirePermission(actor, 'networks.manage'), days);
    },

    async age() {
      const inRounds = async (remove: () => Promise<number>): Promise<void> => {
        for (let round = 0; round < REMOVAL_ROUNDS_MAX; round++) {
          if ((await remove()) < REMOVED_POINTS_MAX) return;
        }
      };
      const nowMs = clock.nowMs();
      // A backup that reads the tables keeps parts from being made and dropped for hours: what is in them ages meanwhile.
      const isDue = clock.monotonicMs() >= partsDueMs;
      const [renewed] = await Promise.allSettled([
        isDue ? store.renewParts(nowMs, options.retentionDays) : null,
      ]);
      if (renewed.status === 'rejected') partsDueMs = clock.monotonicMs() + PARTS_PAUSE_MS;
      await inRounds(() => store.removeOld(nowMs, options.retentionDays));
      await inRounds(() => store.condense(nowMs - DETAIL_DAYS * DAY_MS));
      await inRounds(() => store.removeBeyond(options.networkBytesMax));
      if (renewed.status === 'rejected') throw renewed.reason;
    },
  };
}

/** Writes readings, all that wait in one transaction, one transaction at a time. */
function createRecorder(
  { store, clock, room }: ReadingDependencies,
  tell: (kept: readonly KeptReading[]) => void,
): Pick<ReadingService, 'record' | 'stop'> {
  const waiting = new Map<TenantId, number>();
  let waitingOfAll = 0;
  let idle: Promise<void> = Promise.resolve();
  const count = (tenantId: TenantId, readings: number): void => {
    waitingOfAll += readings;
    const ofTenant = (waiting.get(tenantId) ?? 0) + readings;
    if (ofTenant > 0) waiting.set(tenantId, ofTenant);
    else waiting.delete(tenantId);
  };
  const save = async (said: readonly KeptReading[]) => {
    const kept = await store.save(said);
    tell(said.filter((_, index) => kept[index] === true));
    return kept;
  };
  const keep = gather((said: readonly KeptReading[]) => saveAll({ save }, said), BATCH_READINGS_MAX);

  const record: ReadingService['record'] = async (source, said) => {
    room.requireRoom();
    if (!said.every(isKeepable)) throw invalidInput('This is no reading that can be kept.');
    const { tenantId } = source;
    if (
      (waiting.get(tenantId) ?? 0) + said.length > TENANT_WAITING_MAX ||
      waitingOfAll + said.length > WAITING_MAX
    ) {
      throw new AppError('unavailable', 'unavailable', 'Too many readings wait to be written. Try again.');
    }
    const nowMs = clock.nowMs();
    count(tenantId, said.length);
    try {
      const kept = await Promise.all(
        said.map(({ measuredAtMs, ...reading }) =>
          keep({ ...source, ...reading, atMs: measuredAt(measuredAtMs, nowMs) }),
        ),
      );
      if (kept.includes(false)) throw tooManySeries();
    } finally {
      count(tenantId, -said.length);
    }
  };
  return {
    record(source, said) {
      const recorded = record(source, said);
      const before = idle;
      idle = recorded.then(
        () => before,
        () => before,
      );
      return recorded;
    },
    stop: () => idle,
  };
}

/** All of them; where that fails, those of each network by themselves, so that none fails for another's sake. */
async function saveAll(
  store: Pick<ReadingStore, 'save'>,
  readings: readonly KeptReading[],
): Promise<readonly (boolean | Promise<boolean>)[]> {
  try {
    return await store.save(readings);
  } catch (error) {
    const networks = [...new Set(readings.map(({ networkId }) => networkId))];
    if (networks.length === 1) throw error;
    const outcomes = new Map<KeptReading, boolean | null>();
    for (const networkId of networks) {
      const ofNetwork = readings.filter((reading) => reading.networkId === networkId);
      const kept = await store.save(ofNetwork).catch(() => null);
      for (const [index, reading] of ofNetwork.entries()) {
        outcomes.set(reading, kept?.[index] ?? null);
      }
    }
    return readings.map((reading) => outcomes.get(reading) ?? Promise.reject(error));
  }
}

function tooManySeries(): AppError {
  return new AppError('conflict', 'limit_reached', 'The device has as many different readings as are kept.');
}
