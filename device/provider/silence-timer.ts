import type { Clock } from '../client/index.ts';

/** Aborts its signal when nothing restarts it in time. */
export class SilenceTimer {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(timeoutMs: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(timeoutMs, () => this.#controller.abort());
  }

  stop(): void {
    this.#cancel();
  }
}
