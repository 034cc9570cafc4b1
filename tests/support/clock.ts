import type { Clock } from '../../server/kernel/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly work: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, work };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms` and runs what falls due, in order, each at its own time. Synchronous: promises turn afterwards. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#next();
      if (next === null || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.work();
    }
    this.#nowMs = untilMs;
  }

  /** Moves on to the next timer and runs it. False: none waits. */
  step(): boolean {
    const next = this.#next();
    if (next === null) return false;
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    next.work();
    return true;
  }

  #next(): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (
        next === null ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.order < next.order)
      ) {
        next = timer;
      }
    }
    return next;
  }
}

/** Lets everything that only waits for promises run on. */
export async function turn(times = 20): Promise<void> {
  for (let count = 0; count < times; count++) await new Promise((resolve) => setImmediate(resolve));
}
