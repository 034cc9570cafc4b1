import { TURNS_REMEMBERED } from './limits.ts';

/**
 * Whose turn it is among those that wait: whoever was served the fewest tokens. Of two that always have something waiting,
 * neither gets ahead of the other by more than the requests that are served at a time, and one more. Who comes to wait begins
 * where the least served of the others is: nobody saves turns up.
 * (Virtual token counter: Sheng and others, "Fairness in Serving Large Language Models", OSDI 2024.)
 */
export class TokenTurns<Key> {
  /** Of those that wait, and of those that are ahead of them. */
  readonly #served = new Map<Key, number>();
  readonly #waiting = new Map<Key, number>();

  /** One more request of `key` waits. */
  enter(key: Key): void {
    const count = this.#waiting.get(key) ?? 0;
    if (count === 0 && this.#waiting.size > 0)
      this.#served.set(key, Math.max(this.servedTokens(key), this.#leastServed(key)));
    this.#waiting.set(key, count + 1);
  }

  /** One less waits. */
  leave(key: Key): void {
    const count = (this.#waiting.get(key) ?? 0) - 1;
    if (count > 0) this.#waiting.set(key, count);
    else this.#waiting.delete(key);
  }

  /**
   * So many tokens were served to `key`, or fewer than was said before (negative). What is taken back brings nobody ahead of the others:
   * who came back meanwhile began where they were.
   */
  add(key: Key, tokens: number): void {
    const served = this.servedTokens(key);
    const least = tokens < 0 ? Math.min(served, this.#leastServed(key)) : served;
    this.#served.set(key, Math.max(served + tokens, least));
    if (this.#served.size > TURNS_REMEMBERED)
      for (const known of this.#served.keys()) if (!this.#waiting.has(known)) this.#served.delete(known);
  }

  /** Requests of `key` that wait. */
  waitingOf(key: Key): number {
    return this.#waiting.get(key) ?? 0;
  }

  /** Tokens that `key` was served, while somebody waited. */
  servedTokens(key: Key): number {
    return this.#served.get(key) ?? 0;
  }

  /** The least that one of those was served who wait, `key` aside. */
  #leastServed(key: Key): number {
    let least = Number.POSITIVE_INFINITY;
    for (const other of this.#waiting.keys())
      if (other !== key) least = Math.min(least, this.servedTokens(other));
    return least;
  }
}
