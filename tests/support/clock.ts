import type { Clock } from '../../server/kernel/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly work: () => void;
  isOver: boolean;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  /** A binary heap, the next timer first; those taken back stay in it until they would be next. */
  readonly #timers: Timer[] = [];
  #pending = 0;

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
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer: Timer = { dueMs, order: this.#order++, work, isOver: false };
    this.#push(timer);
    this.#pending++;
    return () => this.#takeBack(timer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#pending;
  }

  /** Moves on by `ms` and runs what falls due, in order, each at its own time. Synchronous: promises turn afterwards. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#next();
      if (next === null || next.dueMs > untilMs) break;
      this.#run(next);
    }
    this.#nowMs = untilMs;
  }

  /** Moves on to the next timer and runs it. False: none waits. */
  step(): boolean {
    const next = this.#next();
    if (next === null) return false;
    this.#run(next);
    return true;
  }

  #run(timer: Timer): void {
    this.#takeBack(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.work();
  }

  #takeBack(timer: Timer): void {
    if (timer.isOver) return;
    timer.isOver = true;
    this.#pending--;
  }

  #next(): Timer | null {
    while (this.#timers[0]?.isOver) this.#pop();
    return this.#timers[0] ?? null;
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(timer, heap[above] as Timer)) break;
      heap[at] = heap[above] as Timer;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Timer, heap[below] as Timer)) below++;
      if (!isBefore(heap[below] as Timer, last)) break;
      heap[at] = heap[below] as Timer;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(timer: Timer, other: Timer): boolean {
  return timer.dueMs === other.dueMs ? timer.order < other.order : timer.dueMs < other.dueMs;
}

/** Lets everything that only waits for promises run on. */
export async function turn(times = 20): Promise<void> {
  for (let count = 0; count < times; count++) await new Promise((resolve) => setImmediate(resolve));
}
