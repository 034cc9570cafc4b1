import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { StorageRoom } from '../../kernel/storage-room.ts';
import { relayError } from './errors.ts';
import * as limits from './limits.ts';
import type { RelayMetrics, RelayStore } from './ports.ts';
import type { FrameToStore, StoreOutcome } from './types.ts';

interface Waiting {
  readonly frame: FrameToStore;
  readonly resolve: (streamOffset: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A frame and its position in its stream. */
export interface KeptFrame {
  readonly frame: FrameToStore;
  readonly streamOffset: number;
}

/** What is told of a transaction before the promises of its frames settle. */
export interface StreamEvents {
  /** These were kept, for the first time, in this order. */
  stored(kept: readonly KeptFrame[]): void;
  /** Nobody knows whether these were kept: the database didn't say. */
  uncertain(frames: readonly FrameToStore[]): void;
  /** A frame found no room; `tenantId` owns its network. */
  withoutRoom(tenantId: TenantId): void;
}

/**
 * Stores frames, all that wait in one transaction, one transaction at a time. Tenants whose devices send take turns; what
 * devices of one tenant send is stored in the order it came. A frame's promise resolves after its commit and after
 * `stored` was called for it, so an acknowledgement never precedes either.
 */
export class StreamWriter {
  readonly #store: RelayStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #metrics: RelayMetrics;
  readonly #events: StreamEvents;
  readonly #waiting = new FairQueue<TenantId, Waiting>({
    itemsMax: limits.WAITING_FRAMES_MAX,
    bytesMax: limits.WAITING_BYTES_MAX,
  });
  readonly #room: StorageRoom;
  #running: Promise<void> | null = null;
  #lastTenantId: TenantId | null = null;
  /** Until when another tenant is expected to want to store, on the monotonic clock. */
  #sharedUntilMs = 0;
  #isDraining = false;
  /** Whose frames wait for others, and what ends it. */
  #resting: { readonly tenantId: TenantId; readonly end: () => void } | null = null;

  constructor(
    dependencies: {
      store: RelayStore;
      clock: Clock;
      random: Random;
      logger: Logger;
      metrics: RelayMetrics;
      room: StorageRoom;
    },
    events: StreamEvents,
  ) {
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#logger = dependencies.logger;
    this.#metrics = dependencies.metrics;
    this.#events = events;
    this.#room = dependencies.room;
  }

  /**
   * The position of the frame in its stream, once it is kept. Refuses with `frame_destination_unknown`, with
   * `storage_quota_exceeded`, with `network_not_found` when its source is no member any more, with `storage_full`, and with `unavailable` when the sender's tenant has too much waiting or
   * the database fails.
   */
  append(frame: FrameToStore): Promise<number> {
    return new Promise((resolve, reject) => {
      if (!frame.isRepetition) this.#room.requireRoom();
      const waiting = { frame, resolve, reject };
      this.#noteTenant(frame.sourceTenantId);
      if (this.#waiting.push(frame.sourceTenantId, waiting, frame.content.length))
        this.#running ??= this.#run();
      else reject(relayError('unavailable'));
    });
  }

  /** Resolves when nothing waits any more; nobody rests meanwhile. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#resting?.end();
    await this.#running;
    this.#isDraining = false;
  }

  async #run(): Promise<void> {
    // The next turn of the event loop: whatever arrived in this one shares a transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const batch = this.#takeBatch();
      const begunMs = this.#clock.monotonicMs();
      await this.#storeBatch(batch);
      const tookMs = Math.min(this.#clock.monotonicMs() - begunMs, limits.REST_MAX_MS);
      if (this.#isShared && tookMs > 0 && !this.#isDraining) await this.#rest(batch, tookMs);
    }
    this.#running = null;
  }

  /**
   * A tenant that filled a transaction alone while others store, too, waits for as long as it took, or until one of them has
   * something to store: half of the time the event loop, the database and the disk are free for whoever comes.
   */
  #rest(batch: readonly Waiting[], restMs: number): Promise<void> {
    const [first] = batch;
    const tenantId = first?.frame.sourceTenantId;
    if (tenantId === undefined || batch.some(({ frame }) => frame.sourceTenantId !== tenantId))
      return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#resting = null;
        resolve();
      };
      const cancel = this.#clock.after(restMs, end);
      this.#resting = { tenantId, end };
    });
  }

  get #isShared(): boolean {
    return this.#clock.monotonicMs() < this.#sharedUntilMs;
  }

  #noteTenant(tenantId: TenantId): void {
    if (this.#resting !== null && this.#resting.tenantId !== tenantId) this.#resting.end();
    if (this.#lastTenantId === tenantId) return;
    if (this.#lastTenantId !== null)
      this.#sharedUntilMs = this.#clock.monotonicMs() + limits.SHARED_BATCHES_MS;
    this.#lastTenantId = tenantId;
  }

  #takeBatch(): Waiting[] {
    const framesMax = this.#isShared ? limits.SHARED_BATCH_FRAMES_MAX : limits.BATCH_FRAMES_MAX;
    const batch: Waiting[] = [];
    let bytes = 0;
    while (batch.length < framesMax && bytes < limits.BATCH_BYTES_MAX) {
      const next = this.#waiting.take();
      if (next === undefined) break;
      batch.push(next);
      bytes += next.frame.content.length;
    }
    return batch;
  }

  async #storeBatch(batch: readonly Waiting[]): Promise<void> {
    const frames = batch.map(({ frame }) => frame);
    const epochs = () => this.#random.uuid();
    try {
      const outcomes = await this.#store.appendFrames(frames, this.#clock.nowMs(), epochs);
      this.#metrics.batchStored(frames.length);
      this.#events.stored(newlyKept(frames, outcomes));
      for (const [index, { frame, resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome?.kind === 'stored') {
          resolve(outcome.streamOffset);
          continue;
        }
        if (outcome?.reason === 'storage_quota_exceeded') this.#events.withoutRoom(frame.tenantId);
        reject(relayError(outcome?.reason ?? 'unavailable'));
      }
    } catch (error) {
      this.#logger.error({ operation: 'relay.frames.store', error, frames: batch.length }, 'not stored');
      this.#events.uncertain(frames);
      const isFull = error instanceof AppError && error.code === 'storage_full';
      const refusal = isFull ? error : relayError('unavailable', { cause: error });
      for (const { reject } of batch) reject(refusal);
    }
  }
}

function newlyKept(frames: readonly FrameToStore[], outcomes: readonly StoreOutcome[]): KeptFrame[] {
  const kept: KeptFrame[] = [];
  for (const [index, frame] of frames.entries()) {
    const outcome = outcomes[index];
    if (outcome?.kind === 'stored' && !outcome.duplicate)
      kept.push({ frame, streamOffset: outcome.streamOffset });
  }
  return kept;
}
