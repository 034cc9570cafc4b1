/** Longest wait for what is to happen, in milliseconds. */
const WAIT_MS = 5_000;

/** Things that happen to a connection of a test, and tests that wait for them. */
export class Changes {
  readonly #waking: (() => void)[] = [];

  /** Something has happened: who waits looks again. */
  happened(): void {
    for (const wake of this.#waking.splice(0)) wake();
  }

  /** What `find` finds, now or after something has happened. Throws an Error that says `what` was not there in time. */
  async until<T>(find: () => T | null, what: string): Promise<T> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = find();
      if (found !== null) return found;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`waited in vain for ${what}`)),
          deadline - Date.now(),
        );
        this.#waking.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}
