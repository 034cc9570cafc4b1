import type { BodyRoom } from './body.ts';

/**
 * Memory for request bodies while they arrive. Each sender, an address or a tenant, may have as much of it as is free, so
 * that one alone takes half and leaves room for every other.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  readonly #takenBy = new Map<string, number>();
  #taken = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The room of one sender. */
  roomFor(sender: string): BodyRoom {
    return { take: (bytes) => this.#take(sender, bytes), give: (bytes) => this.#give(sender, bytes) };
  }

  #take(sender: string, bytes: number): boolean {
    const own = (this.#takenBy.get(sender) ?? 0) + bytes;
    if (own > this.#bytesMax - this.#taken) return false;
    this.#takenBy.set(sender, own);
    this.#taken += bytes;
    return true;
  }

  #give(sender: string, bytes: number): void {
    const own = (this.#takenBy.get(sender) ?? 0) - bytes;
    if (own > 0) this.#takenBy.set(sender, own);
    else this.#takenBy.delete(sender);
    this.#taken -= bytes;
  }
}
