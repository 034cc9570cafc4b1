import type { Clock } from '../client/index.ts';
import { ALIVE_INTERVAL_MS } from './limits.ts';

/**
 * Tells the server that a request is worked on: by itself until `stop`, and whenever it does
 * something that nothing is sent for.
 */
export class SignsOfLife {
  readonly #clock: Clock;
  readonly #send: () => void;
  #lastMs: number;
  #cancel: () => void = () => {};

  constructor(dependencies: { clock: Clock; send: () => void }) {
    this.#clock = dependencies.clock;
    this.#send = dependencies.send;
    this.#lastMs = this.#clock.nowMs();
  }

  /** From now on every few seconds, until `stop`. */
  begin(): void {
    this.#cancel = this.#clock.after(ALIVE_INTERVAL_MS, () => {
      this.worked();
      this.begin();
    });
  }

  /** No more by itself. */
  stop(): void {
    this.#cancel();
  }

  /** Something was sent, which is a sign of life, too. */
  sent(): void {
    this.#lastMs = this.#clock.nowMs();
  }

  /** The endpoint is alive. */
  worked(): void {
    if (this.#clock.nowMs() - this.#lastMs < ALIVE_INTERVAL_MS) return;
    this.sent();
    this.#send();
  }
}
