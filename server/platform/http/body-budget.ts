/**
 * Memory for request bodies while they arrive, shared by all addresses: who sends has not shown yet who it is. An address may
 * have as much of it as is free, so that one alone takes half and leaves room for every other.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  readonly #takenBy = new Map<string, number>();
  #taken = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False: there is no room for so many bytes from this address. */
  take(address: string, bytes: number): boolean {
    const own = (this.#takenBy.get(address) ?? 0) + bytes;
    if (own > this.#bytesMax - this.#taken) return false;
    this.#takenBy.set(address, own);
    this.#taken += bytes;
    return true;
  }

  give(address: string, bytes: number): void {
    const own = (this.#takenBy.get(address) ?? 0) - bytes;
    if (own > 0) this.#takenBy.set(address, own);
    else this.#takenBy.delete(address);
    this.#taken -= bytes;
  }
}
