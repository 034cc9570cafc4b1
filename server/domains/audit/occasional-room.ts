import { type Clock, DAY_MS } from '../../kernel/clock.ts';
import type { TenantId } from '../../kernel/ids.ts';
import {
  OCCASIONAL_PER_DAY_MAX,
  OCCASIONAL_PER_MINUTE_BEYOND_MAX,
  OCCASIONAL_PER_MINUTE_MAX,
} from './limits.ts';

const MINUTE_MS = 60_000;

/** How many records there is room for in a minute and in a day, and in a minute once those of the day are used. */
export interface RoomLimits {
  readonly perMinute: number;
  readonly perDay: number;
  readonly perMinuteBeyond: number;
}

/** Of looks and refusals. */
const OCCASIONAL: RoomLimits = {
  perMinute: OCCASIONAL_PER_MINUTE_MAX,
  perDay: OCCASIONAL_PER_DAY_MAX,
  perMinuteBeyond: OCCASIONAL_PER_MINUTE_BEYOND_MAX,
};

/** Counts the records of each tenant in a minute, and in a day, that tell of looks and refusals, or of what strangers did. */
export class OccasionalRoom {
  readonly #clock: Clock;
  readonly #limits: RoomLimits;
  readonly #inMinute = new Counts(MINUTE_MS);
  readonly #inDay = new Counts(DAY_MS);
  /** Left out, and not told yet. */
  readonly #leftOut = new Map<TenantId, number>();

  constructor(clock: Clock, limits = OCCASIONAL) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many were left out before this one; null: this one is, too. */
  take(tenantId: TenantId): number | null {
    const nowMs = this.#clock.nowMs();
    const { perMinute, perDay, perMinuteBeyond } = this.#limits;
    const isBeyond = this.#inDay.of(tenantId, nowMs) >= perDay;
    const inMinuteMax = isBeyond ? perMinuteBeyond : perMinute;
    const leftOut = this.#leftOut.get(tenantId) ?? 0;
    if (this.#inMinute.of(tenantId, nowMs) >= inMinuteMax) {
      this.#leftOut.set(tenantId, leftOut + 1);
      return null;
    }
    this.#inMinute.add(tenantId);
    this.#inDay.add(tenantId);
    this.#leftOut.delete(tenantId);
    return leftOut;
  }
}

/** What each tenant has taken of the present interval. */
class Counts {
  readonly #intervalMs: number;
  #interval = 0;
  #counts = new Map<TenantId, number>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  of(tenantId: TenantId, nowMs: number): number {
    const interval = Math.floor(nowMs / this.#intervalMs);
    if (interval !== this.#interval) {
      this.#interval = interval;
      this.#counts = new Map();
    }
    return this.#counts.get(tenantId) ?? 0;
  }

  add(tenantId: TenantId): void {
    this.#counts.set(tenantId, (this.#counts.get(tenantId) ?? 0) + 1);
  }
}
