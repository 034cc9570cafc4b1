import { AppError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { BATCH_COMMANDS_MAX, COMMANDS_WAITING_MAX } from './limits.ts';
import type { LockMetrics, LockStore } from './ports.ts';
import { type DecideOptions, decide } from './rules.ts';
import type { ClaimView, LockCommand, LockOutcome } from './types.ts';

interface Waiting {
  readonly command: LockCommand;
  readonly resolve: (outcome: LockOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** What the writer needs. */
export interface WriterDependencies {
  readonly store: Pick<LockStore, 'change'>;
  readonly metrics: Pick<LockMetrics, 'batchWritten' | 'lost'>;
}

/**
 * Carries commands out, all that wait in one transaction, one transaction at a time; tenants take turns. An outcome is told when it is
 * committed, and so are those who wait no more.
 */
export class LockWriter {
  readonly #dependencies: WriterDependencies;
  readonly #options: DecideOptions;
  readonly #woken: (claims: readonly ClaimView[]) => void;
  readonly #waiting = new FairQueue<TenantId, Waiting>({
    itemsMax: COMMANDS_WAITING_MAX,
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
  #running: Promise<void> | null = null;

  constructor(
    options: DecideOptions,
    dependencies: WriterDependencies,
    woken: (claims: readonly ClaimView[]) => void,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#woken = woken;
  }

  /** What became of a command, in the turn of this tenant. Refuses with `unavailable` where too much waits, or the database fails. */
  submit(tenantId: TenantId, command: LockCommand): Promise<LockOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push(tenantId, { command, resolve, reject })) this.#running ??= this.#run();
      else reject(new AppError('unavailable', 'unavailable', 'Too much waits for locks. Try again.'));
    });
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // The next turn of the event loop: whatever arrived in this one shares a transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const batch: Waiting[] = [];
      while (batch.length < BATCH_COMMANDS_MAX) {
        const next = this.#waiting.take();
        if (next === undefined) break;
        batch.push(next);
      }
      await this.#write(batch);
    }
    this.#running = null;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const commands = batch.map(({ command }) => command);
    try {
      const { outcomes, woken, ends } = await this.#dependencies.store.change(commands, (book) =>
        decide(commands, book, this.#options),
      );
      this.#dependencies.metrics.batchWritten(batch.length);
      for (const end of ends) this.#dependencies.metrics.lost(end);
      for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] as LockOutcome);
      this.#woken(woken);
    } catch (error) {
      const isShared = batch.length > 1 && !(error instanceof AppError);
      // One of them can't be carried out, as when its network is being removed: it fails alone.
      if (isShared) for (const single of batch) await this.#write([single]);
      else for (const { reject } of batch) reject(error);
    }
  }
}
