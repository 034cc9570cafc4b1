import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { DeviceService } from '../devices/index.ts';
import type { HistoryRange, KeptReading, ReadingPoint } from './types.ts';

/** The devices that an account sees. */
export type DeviceLookup = Pick<DeviceService, 'getDevice'>;

/** Where readings are kept. */
export interface ReadingStore {
  /**
   * Keeps readings in one transaction. For each, in their order, whether it is kept: it isn't where its device has as many
   * series as it may, or left the network.
   */
  save(readings: readonly KeptReading[]): Promise<readonly boolean[]>;
  /** The last value of each reading of a device, by name, in the networks that the account sees. */
  listLast(actor: AccountActor, deviceId: DeviceId): Promise<readonly ReadingPoint[]>;
  /** A part of a reading's history, oldest first. */
  listHistory(actor: AccountActor, deviceId: DeviceId, range: HistoryRange): Promise<readonly ReadingPoint[]>;
  /** The days that the tenant chose; null: it didn't. */
  findRetentionDays(actor: AccountActor): Promise<number | null>;
  saveRetentionDays(actor: AccountActor, days: number): Promise<void>;
  /**
   * Has the tables of the coming days made, and drops those of days whose points are all condensed, and those that are too old for every
   * tenant. How many it dropped.
   */
  renewParts(nowMs: number, retentionDays: number): Promise<number>;
  /** Makes hours of points that are older. How many points there were, as many as one transaction removes. */
  condense(beforeMs: number): Promise<number>;
  /** Removes what is older than its tenant wants. How many points and hours there were; fewer than one transaction removes: no more are. */
  removeOld(nowMs: number, retentionDays: number): Promise<number>;
  /** Removes the oldest of networks that keep more bytes, hours before points. How many there were. */
  removeBeyond(networkBytesMax: number): Promise<number>;
}
