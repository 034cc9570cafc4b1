/** Values handed from one side to one reader, in order, without loss. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  /** Adds a value. After `end` it is dropped. */
  push(value: T): void {
    if (this.#ended) return;
    this.#values.push(value);
    this.#wake?.();
  }

  /** No more values follow. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The next value; null after the last one. One reader at a time. */
  async next(): Promise<T | null> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) return value;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (let value = await this.next(); value !== null; value = await this.next()) yield value;
  }
}
