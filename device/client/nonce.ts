import type { Clock } from './ports.ts';

/**
 * The nonces of one device's frames: the first is the clock, in microseconds since 1970, each further one is one more, so
 * that frames may overtake each other within the receiver's window. A program that starts anew is above everything that it
 * sent before, as long as the clock doesn't go back, or `last` was kept: nobody sends a million frames a second.
 *
 * Connections of a device that are open at the same time share one source: with two, the frames of the lower are replays.
 */
export class NonceSource {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #last: number;
  #hasBegun = false;

  constructor(clock: Pick<Clock, 'nowMs'>, last = 0) {
    this.#clock = clock;
    this.#last = last;
  }

  /** The number used last; `last` of the beginning before the first. */
  get last(): number {
    return this.#last;
  }

  /** The next number. */
  next(): number {
    const begin = this.#hasBegun ? 0 : Math.floor(this.#clock.nowMs() * 1000);
    this.#hasBegun = true;
    this.#last = Math.max(begin, this.#last + 1);
    return this.#last;
  }

  /** From here on only numbers above `nonce`: the server knows it already. */
  raise(nonce: number): void {
    this.#last = Math.max(this.#last, nonce);
  }
}
