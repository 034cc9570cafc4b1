/** A streamed answer whose end is known: when it was read to its end, given up, or the client went away. */
export class FollowedStream implements AsyncIterable<string> {
  /** Resolves once, however it ends. */
  readonly ended: Promise<void>;
  readonly #stream: AsyncIterable<string>;
  #end: () => void = () => {};

  constructor(stream: AsyncIterable<string>, clientGone: AbortSignal) {
    this.#stream = stream;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    if (clientGone.aborted) this.#end();
    else clientGone.addEventListener('abort', this.#end, { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    const iterator = this.#stream[Symbol.asyncIterator]();
    const followed = async (step: Promise<IteratorResult<string>>) => {
      try {
        const result = await step;
        if (result.done) this.#end();
        return result;
      } catch (error) {
        this.#end();
        throw error;
      }
    };
    return {
      next: () => followed(iterator.next()),
      return: async (value?: unknown) => {
        this.#end();
        return (await iterator.return?.(value)) ?? { done: true, value };
      },
    };
  }
}
