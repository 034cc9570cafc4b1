/** Positions of a stream that were sent, oldest first, until everything up to them is done: they are acknowledged in order. */
export class OrderedOffsets {
  readonly #sent: { readonly offset: number; isDone: boolean }[] = [];
  readonly #acknowledge: (offset: number) => void;

  /** `acknowledge` is called with the position up to which everything is done. */
  constructor(acknowledge: (offset: number) => void) {
    this.#acknowledge = acknowledge;
  }

  /** A position was sent. Returns what is to be called when it is done. */
  add(offset: number): () => void {
    const sent = { offset, isDone: false };
    this.#sent.push(sent);
    return () => {
      sent.isDone = true;
      let last: number | null = null;
      while (this.#sent[0]?.isDone === true) last = this.#sent.shift()?.offset ?? last;
      if (last !== null) this.#acknowledge(last);
    };
  }
}
