import type { DeviceId } from '../../kernel/ids.ts';
import { FAILING_COUNT, TROUBLE_HALF_LIFE_MS, TROUBLED_MAX } from './limits.ts';

/** What goes wrong with devices: refusals and new connections, which halve as time passes; bounded in memory. */
export class Troubles {
  /** The one that had none for longest first. */
  readonly #counts = new Map<DeviceId, { count: number; atMs: number }>();
  readonly #max: number;

  constructor(max = TROUBLED_MAX) {
    this.#max = max;
  }

  note(deviceId: DeviceId, nowMs: number): void {
    const count = this.#countOf(deviceId, nowMs) + 1;
    this.#counts.delete(deviceId);
    this.#counts.set(deviceId, { count, atMs: nowMs });
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > this.#max && oldest !== undefined) this.#counts.delete(oldest);
  }

  isFailing(deviceId: DeviceId, nowMs: number): boolean {
    return this.#countOf(deviceId, nowMs) >= FAILING_COUNT;
  }

  #countOf(deviceId: DeviceId, nowMs: number): number {
    const known = this.#counts.get(deviceId);
    if (known === undefined) return 0;
    return known.count * 2 ** (-Math.max(0, nowMs - known.atMs) / TROUBLE_HALF_LIFE_MS);
  }
}
