/** One holding of a lock, as its client saw it; times only have an order. */
export interface Holding {
  readonly mode: 'write' | 'read';
  readonly token: number;
  /** When the lock was asked for, when that was answered, and when it began to be given back. */
  readonly askedAt: number;
  readonly heldAt: number;
  readonly releasedAt: number;
}

/**
 * What no lock does that works as if each operation happened at one moment between its call and its answer; null: nothing. For a
 * mutex with rising tokens the tokens are the order, so that looking at pairs decides it: holdings that can't be shared don't overlap
 * (each lasts from its answer to its release at least), and who was answered before another asked has the lower token.
 */
export function findViolation(history: readonly Holding[]): string | null {
  for (const [index, one] of history.entries()) {
    for (const other of history.slice(index + 1)) {
      const [first, second] = one.token <= other.token ? [one, other] : [other, one];
      if (first.token === second.token) return `two have the token ${first.token}`;
      if (second.heldAt < first.askedAt) return `${first.token} was asked for after ${second.token} was held`;
      const isShared = first.mode === 'read' && second.mode === 'read';
      if (!isShared && second.heldAt < first.releasedAt) {
        return `${second.token} was held before ${first.token} was given back`;
      }
    }
  }
  return null;
}
