import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { LedgerStore } from './ports.ts';
import type { LedgerCommand, LedgerOutcome } from './types.ts';

/** Bounds of the writer; `LEDGER_WRITER_LIMITS` has the ones in use. */
export interface LedgerWriterOptions {
  readonly queuedCommandsMax: number;
  readonly batchCommandsMax: number;
  readonly batchAttemptsMax: number;
  readonly retryDelayMs: number;
}

/** What the writer needs. */
export interface LedgerWriterDependencies {
  readonly store: Pick<LedgerStore, 'apply'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Waiting {
  readonly command: LedgerCommand;
  readonly answer: (outcome: LedgerOutcome) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * The one writer of a process. Commands that arrive while a transaction runs go together into the next one; each is
 * answered when that one is committed.
 */
export class LedgerWriter {
  readonly #options: LedgerWriterOptions;
  readonly #dependencies: LedgerWriterDependencies;
  readonly #queue: Waiting[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(options: LedgerWriterOptions, dependencies: LedgerWriterDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /**
   * Carries out `command`; resolves after the commit. Rejects with `unavailable` when the queue is full, the writer is
   * closed, or the database didn't take it: the caller may then give the same command under the same id again.
   */
  submit(command: LedgerCommand): Promise<LedgerOutcome> {
    if (this.#closed || this.#queue.length >= this.#options.queuedCommandsMax) {
      return Promise.reject(unavailable());
    }
    return new Promise((answer, fail) => {
      this.#queue.push({ command, answer, fail });
      this.#running ??= this.#drain();
    });
  }

  /** Takes no more commands; resolves when the ones it has are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    // What is submitted in this turn of the event loop belongs to the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      await this.#settle(this.#queue.splice(0, this.#options.batchCommandsMax));
    }
    this.#running = null;
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    const { logger } = this.#dependencies;
    try {
      const outcomes = await this.#applyWithRetry(batch.map(({ command }) => command));
      batch.forEach(({ answer }, index) => {
        answer(outcomes[index] as LedgerOutcome);
      });
    } catch (cause) {
      if (batch.length > 1 && !isOutage(cause)) {
        // One command the database can't take must not fail the others.
        for (const waiting of batch) await this.#settle([waiting]);
        return;
      }
      logger.error(
        { operation: 'ledger.write', code: 'unavailable', commands: batch.length, cause },
        'a batch failed',
      );
      for (const { fail } of batch) fail(cause instanceof InvariantError ? cause : unavailable(cause));
    }
  }

  async #applyWithRetry(commands: readonly LedgerCommand[]): Promise<readonly LedgerOutcome[]> {
    const { store, clock, random, logger } = this.#dependencies;
    for (let attempt = 1; ; attempt++) {
      try {
        return await store.apply(commands, clock.nowMs());
      } catch (cause) {
        if (cause instanceof InvariantError || attempt >= this.#options.batchAttemptsMax) throw cause;
        logger.warn(
          { operation: 'ledger.write', attempt, commands: commands.length, cause },
          'a batch is repeated',
        );
        const delayMs = this.#options.retryDelayMs * 2 ** (attempt - 1) * (0.5 + random.fraction());
        await new Promise<void>((resolve) => clock.after(delayMs, resolve));
      }
    }
  }
}

function unavailable(cause?: unknown): AppError {
  const options = cause === undefined ? {} : { cause };
  return new AppError('unavailable', 'unavailable', 'The ledger can not be written right now.', options);
}

/** True unless the database named the data itself as the reason (SQLSTATE classes 22 and 23). */
function isOutage(cause: unknown): boolean {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  return !(cause instanceof InvariantError) && !/^2[23]...$/.test(code);
}
