import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { GIVE_LOG_INTERVAL_MS, GIVE_RETRY_MS } from './limits.ts';

/** What failed and is tried again after a while: of each device one thing waits, and the log has a line a second at most. */
export class Later {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting = new Map<string, () => void>();
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #isClosed = false;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Does the work after a while, unless something waits for this device already, or nothing is done any more. */
  again(key: string, error: unknown, work: () => void): void {
    this.#log(error);
    if (this.#isClosed || this.#waiting.has(key)) return;
    const cancel = this.#clock.after(GIVE_RETRY_MS, () => {
      this.#waiting.delete(key);
      work();
    });
    this.#waiting.set(key, cancel);
  }

  /** Nothing is tried any more. */
  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  #log(error: unknown): void {
    this.#failures++;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < GIVE_LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    this.#logger.warn(
      { operation: 'actions.give', failures: this.#failures, error },
      'actions were not given and are tried again',
    );
    this.#failures = 0;
  }
}
