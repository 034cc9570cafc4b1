/** A day in milliseconds. */
export const DAY_MS = 86_400_000;
/** An hour in milliseconds. */
export const HOUR_MS = 3_600_000;

/** Time as an input: the server asks this, tests and simulations move it by hand. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  nowMs(): number;
  /** Milliseconds that only grow, for measuring durations. */
  monotonicMs(): number;
  /** Calls `work` once, after `delayMs`. The returned function takes it back. Never keeps the process alive. */
  after(delayMs: number, work: () => void): () => void;
}
