import type { Clock } from './ports.ts';

/**
 * Numbers that only grow, for a source's frames: microseconds since 1970, or one more than the last where the clock
 * stands still or went back. Over a restart they grow as long as the clock does, or `last` was kept.
 */
export class NonceSource {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #last: number;

  constructor(clock: Pick<Clock, 'nowMs'>, last = 0) {
    this.#clock = clock;
    this.#last = last;
  }

  /** The number used last; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** The next number. */
  next(): number {
    this.#last = Math.max(Math.floor(this.#clock.nowMs() * 1000), this.#last + 1);
    return this.#last;
  }

  /** From here on only numbers above `nonce`: the server accepted it already. */
  raise(nonce: number): void {
    this.#last = Math.max(this.#last, nonce);
  }
}
