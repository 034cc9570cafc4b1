/** Whether a request was cut off, and why. Most never are: a signal, which costs as much as a request's other steps, is made for who asks. */
export class Cut {
  #controller: AbortController | null = null;
  #reason: Error | null = null;
  #hear: (reason: Error) => void = () => {};

  /** Cuts it; the first reason stays. */
  cut(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#hear(reason);
  }

  /** Aborted when it is cut, with the reason. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Throws the reason where it was cut. */
  requireUncut(): void {
    if (this.#reason !== null) throw this.#reason;
  }

  /** The result; rejects with the reason of the cut, should that come first. One result at a time. */
  before<T>(result: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#reason !== null) reject(this.#reason);
      this.#hear = reject;
      result.then(resolve, reject);
    });
  }
}
