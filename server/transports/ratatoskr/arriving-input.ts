const EMPTY = new Uint8Array(0);

/**
 * The input of a request while it arrives in pieces. It takes twice its length at most, however small the pieces are, and keeps
 * nothing of the messages that brought them, which may hold much more.
 */
export class ArrivingInput {
  #memory = EMPTY;
  #length = 0;

  /** How much has come so far. */
  get length(): number {
    return this.#length;
  }

  /** What has come; nothing of it is kept any more. */
  take(): Uint8Array {
    const bytes = this.#memory.subarray(0, this.#length);
    this.#memory = EMPTY;
    this.#length = 0;
    return bytes;
  }

  add(piece: Uint8Array): void {
    if (this.#length === 0) this.#memory = piece.slice();
    else this.#append(piece);
    this.#length += piece.length;
  }

  #append(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#memory.length) {
      const larger = new Uint8Array(Math.max(needed, this.#length * 2));
      larger.set(this.#memory.subarray(0, this.#length));
      this.#memory = larger;
    }
    this.#memory.set(piece, this.#length);
  }
}
