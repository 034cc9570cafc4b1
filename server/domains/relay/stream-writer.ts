import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { relayError } from './errors.ts';
import { BATCH_FRAMES_MAX, WAITING_BYTES_MAX, WAITING_FRAMES_MAX } from './limits.ts';
import type { RelayMetrics, RelayStore } from './ports.ts';
import type { FrameToStore } from './types.ts';

interface Waiting {
  readonly frame: FrameToStore;
  readonly resolve: (streamOffset: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What is told of a transaction before the promises of its frames settle. */
export interface StreamEvents {
  /** A frame was kept, for the first time. */
  stored(frame: FrameToStore, streamOffset: number): void;
  /** Nobody knows whether these were kept: the database didn't say. */
  uncertain(frames: readonly FrameToStore[]): void;
}

/**
 * Stores frames in the order they come, all that wait in one transaction, one transaction at a time. A frame's promise
 * resolves after its commit and after `stored` was called for it, so an acknowledgement never precedes either.
 */
export class StreamWriter {
  readonly #store: RelayStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #metrics: RelayMetrics;
  readonly #events: StreamEvents;
  #waiting: Waiting[] = [];
  /** Of all frames with a place, waiting or on their way to wait. */
  #framesReserved = 0;
  #bytesReserved = 0;
  #running: Promise<void> | null = null;

  constructor(
    dependencies: {
      store: RelayStore;
      clock: Clock;
      random: Random;
      logger: Logger;
      metrics: RelayMetrics;
    },
    events: StreamEvents,
  ) {
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#logger = dependencies.logger;
    this.#metrics = dependencies.metrics;
    this.#events = events;
  }

  /** Takes a place for the frame, to be followed by `append` or `release`. Refuses with `unavailable` when all are taken. */
  reserve({ content }: FrameToStore): void {
    if (
      this.#framesReserved >= WAITING_FRAMES_MAX ||
      this.#bytesReserved + content.length > WAITING_BYTES_MAX
    ) {
      throw relayError('unavailable');
    }
    this.#framesReserved++;
    this.#bytesReserved += content.length;
  }

  /** Gives the frame's place back. */
  release({ content }: FrameToStore): void {
    this.#framesReserved--;
    this.#bytesReserved -= content.length;
  }

  /** The position in its stream of a frame that has a place, once it is kept. Refuses with `unavailable`. */
  append(frame: FrameToStore): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // The next turn of the event loop: whatever arrived in this one shares a transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_FRAMES_MAX);
      for (const { frame } of batch) this.release(frame);
      await this.#storeBatch(batch);
    }
    this.#running = null;
  }

  async #storeBatch(batch: readonly Waiting[]): Promise<void> {
    const frames = batch.map(({ frame }) => frame);
    try {
      const outcomes = await this.#store.appendFrames(frames, new Date(this.#clock.nowMs()), () =>
        this.#random.uuid(),
      );
      this.#metrics.batchStored(frames.length);
      for (const [index, { frame, resolve }] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) continue;
        if (!outcome.duplicate) this.#events.stored(frame, outcome.streamOffset);
        resolve(outcome.streamOffset);
      }
    } catch (error) {
      this.#logger.error({ operation: 'relay.frames.store', error, frames: batch.length }, 'not stored');
      this.#events.uncertain(frames);
      const refusal = relayError('unavailable', { cause: error });
      for (const { reject } of batch) reject(refusal);
    }
  }
}
