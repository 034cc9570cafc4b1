/** A position in the network's stream of STORED frames. */
export interface StreamPosition {
  readonly epoch: string;
  readonly offset: number;
}

/**
 * Where a device stands in the network's stream. Frames may be handled by asynchronous listeners, so a frame that
 * arrived isn't yet handled; the position is behind everything up to which all were handled.
 */
export class StreamReader {
  #epoch: string | null;
  #received: number;
  #handled: number;
  /** Offsets that arrived and whose listeners haven't finished, or that wait for an earlier one. Ascending. */
  #open: { offset: number; done: boolean }[] = [];

  constructor(resume: StreamPosition | null) {
    this.#epoch = resume?.epoch ?? null;
    this.#received = resume?.offset ?? 0;
    this.#handled = this.#received;
  }

  /** Where to go on reading after a restart; null before the first frame, when the server's own record is better. */
  get position(): StreamPosition | null {
    return this.#epoch === null || this.#handled === 0 ? null : { epoch: this.#epoch, offset: this.#handled };
  }

  /** The highest offset up to which every frame was handled; 0 for none. */
  get handledOffset(): number {
    return this.#handled;
  }

  /** A session began at `head`. A stream of another epoch, or one that ends before what we received, is a new stream. */
  begin(head: StreamPosition): void {
    if (this.#epoch !== head.epoch || this.#received > head.offset) {
      this.#received = 0;
      this.#handled = 0;
      this.#open = [];
    }
    this.#epoch = head.epoch;
  }

  /**
   * For a frame that is new: what to call when its listeners are done with it. Null for one that came before.
   */
  accept(offset: number): (() => void) | null {
    if (offset <= this.#received) return null;
    this.#received = offset;
    const frame = { offset, done: false };
    this.#open.push(frame);
    return () => {
      frame.done = true;
      while (this.#open[0]?.done === true) this.#handled = (this.#open.shift() as { offset: number }).offset;
    };
  }
}
