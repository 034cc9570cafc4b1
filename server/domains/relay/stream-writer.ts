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
  readonly #stored: (frame: FrameToStore, streamOffset: number) => void;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | null = null;

  constructor(
    dependencies: {
      store: RelayStore;
      clock: Clock;
      random: Random;
      logger: Logger;
      metrics: RelayMetrics;
    },
    stored: (frame: FrameToStore, streamOffset: number) => void,
  ) {
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#logger = dependencies.logger;
    this.#metrics = dependencies.metrics;
    this.#stored = stored;
  }

  /** The frame's position in its stream, once it is kept. Refuses with `unavailable` when too many wait. */
  append(frame: FrameToStore): Promise<number> {
    if (
      this.#waiting.length >= WAITING_FRAMES_MAX ||
      this.#waitingBytes + frame.content.length > WAITING_BYTES_MAX
    ) {
      return Promise.reject(relayError('unavailable'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, resolve, reject });
      this.#waitingBytes += frame.content.length;
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
      for (const { frame } of batch) this.#waitingBytes -= frame.content.length;
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
        if (!outcome.duplicate) this.#stored(frame, outcome.streamOffset);
        resolve(outcome.streamOffset);
      }
    } catch (error) {
      this.#logger.error({ operation: 'relay.frames.store', error, frames: batch.length }, 'not stored');
      const refusal = relayError('unavailable', { cause: error });
      for (const { reject } of batch) reject(refusal);
    }
  }
}
