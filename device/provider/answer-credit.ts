/** Bytes of an answer that may still be sent: the reader's pace. */
export class AnswerCredit {
  #bytes: number;
  #wake: () => void = () => {};

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** So many more may be sent. */
  grant(bytes: number): void {
    this.#bytes += bytes;
    this.#wake();
  }

  /** Takes `bytes` from the credit as soon as it is large enough. Rejects with the signal's reason when it aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    while (this.#bytes < bytes) {
      if (signal.aborted) throw signal.reason;
      await new Promise<void>((resolve) => {
        this.#wake = () => {
          signal.removeEventListener('abort', this.#wake);
          resolve();
        };
        signal.addEventListener('abort', this.#wake);
      });
    }
    this.#bytes -= bytes;
  }
}
