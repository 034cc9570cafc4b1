import { RECONNECT_DELAY_MS, RECONNECT_DELAY_MS_MAX, STABLE_SESSION_MS } from './limits.ts';
import type { Clock, Random } from './ports.ts';

/**
 * How long to wait before try number `attempt` (from 0): the first at once, then 250 ms doubling up to 30 s, each cut
 * by up to half at random so that a fleet doesn't come back in step. `fraction` is in [0, 1).
 */
export function reconnectDelayMs(attempt: number, fraction: number): number {
  if (attempt <= 0) return 0;
  const delayMs = Math.min(RECONNECT_DELAY_MS_MAX, RECONNECT_DELAY_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(delayMs * (1 - fraction / 2));
}

/**
 * When to connect again. At once after a connection that held; with growing delays after ones that failed or ended
 * soon. A first connection that fails isn't tried again at once either.
 */
export class ReconnectPlan {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #random: Pick<Random, 'fraction'>;
  #attempt = 1;
  #everOpened = false;
  #openedAtMs: number | null = null;

  constructor(clock: Pick<Clock, 'nowMs'>, random: Pick<Random, 'fraction'>) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A connection is open. */
  opened(): void {
    if (!this.#everOpened) this.#attempt = 0;
    this.#everOpened = true;
    this.#openedAtMs = this.#clock.nowMs();
  }

  /** The connection ended, or didn't come about: how long to wait. */
  nextDelayMs(): number {
    const isStable = this.#openedAtMs !== null && this.#clock.nowMs() - this.#openedAtMs >= STABLE_SESSION_MS;
    if (isStable) this.#attempt = 0;
    this.#openedAtMs = null;
    return reconnectDelayMs(this.#attempt++, this.#random.fraction());
  }
}
