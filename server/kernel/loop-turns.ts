import { FairQueue } from './fair-queue.ts';

/** How much of one kind of work is done in one turn of the event loop, and who may wait for the next. */
export interface LoopTurnsLimits {
  readonly perTurn: number;
  readonly waitingMax: number;
}

interface Waiting {
  readonly work: () => void;
  readonly count: number;
}

/**
 * Spreads work over turns of the event loop: who sends much at once, in one read of a socket or over many sockets, makes itself
 * wait, and whoever else comes finds its turn soon. Those who wait take turns by key; the work of one key keeps its order.
 */
export class LoopTurns<Key> {
  readonly #perTurn: number;
  readonly #waiting: FairQueue<Key, Waiting>;
  readonly #nextTurn: (work: () => void) => void;
  #done = 0;
  #isScheduled = false;

  constructor({ perTurn, waitingMax }: LoopTurnsLimits, nextTurn: (work: () => void) => void = setImmediate) {
    this.#perTurn = perTurn;
    this.#waiting = new FairQueue({ itemsMax: waitingMax, bytesMax: Number.POSITIVE_INFINITY });
    this.#nextTurn = nextTurn;
  }

  /** True: a piece of work may be done now, and counts. False: this turn has done its part, or others wait already. */
  begin(): boolean {
    if (this.#done >= this.#perTurn || this.#waiting.size > 0) return false;
    this.#done++;
    this.#schedule();
    return true;
  }

  /** Does `count` pieces of work in a later turn, or now where too many wait. `work` must not throw. */
  wait(key: Key, work: () => void, count = 1): void {
    if (this.#waiting.push(key, { work, count })) this.#schedule();
    else work();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#done = 0;
    while (this.#done < this.#perTurn) {
      const next = this.#waiting.take();
      if (next === undefined) return;
      this.#done += next.count;
      this.#schedule();
      next.work();
    }
  }
}
