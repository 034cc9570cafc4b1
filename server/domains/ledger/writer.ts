import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { LedgerStore } from './ports.ts';
import { isHoldLife } from './rules.ts';
import type { UnitOfWork, UnitOutcome } from './types.ts';

/** Bounds of the writer; `LEDGER_WRITER_LIMITS` has the ones in use. */
export interface LedgerWriterOptions {
  readonly queuedUnitsMax: number;
  readonly batchItemsMax: number;
  readonly unitItemsMax: number;
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
  readonly unit: UnitOfWork;
  readonly answer: (outcome: UnitOutcome) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * The one writer of a process. Units that arrive while a transaction runs go together into the next one, those of different
 * tenants in turn; each is answered when that one is committed.
 */
export class LedgerWriter {
  readonly #options: LedgerWriterOptions;
  readonly #dependencies: LedgerWriterDependencies;
  readonly #queue: FairQueue<TenantId | undefined, Waiting>;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(options: LedgerWriterOptions, dependencies: LedgerWriterDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#queue = new FairQueue({ itemsMax: options.queuedUnitsMax, bytesMax: Number.MAX_SAFE_INTEGER });
  }

  /**
   * Carries out all of `unit` or nothing; resolves after the commit. Rejects with `unavailable` when the tenant's line is full,
   * the writer is closed, or the database didn't take it: the caller may then give the same unit again. Rejects with
   * InvariantError what can't be right: too many parts, or a hold without an end.
   */
  submit(unit: UnitOfWork): Promise<UnitOutcome> {
    if (this.#closed) return Promise.reject(unavailable());
    const wrong = this.#problemOf(unit);
    if (wrong !== null) return Promise.reject(new InvariantError(wrong));
    return new Promise((answer, fail) => {
      if (this.#queue.push(unit.tenantId, { unit, answer, fail })) this.#running ??= this.#drain();
      else fail(unavailable());
    });
  }

  /** Takes no more units; resolves when the ones it has are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #problemOf(unit: UnitOfWork): string | null {
    const items = itemsOf(unit);
    if (items < 1 || items > this.#options.unitItemsMax) return `a unit of work of ${items} parts`;
    const endless = unit.commands.some(
      (command) => command.kind === 'hold' && !isHoldLife(command.expiresAfterMs),
    );
    return endless ? 'a hold lives from 1 ms to a day' : null;
  }

  async #drain(): Promise<void> {
    // What is submitted in this turn of the event loop belongs to the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.size > 0) await this.#settle(this.#takeBatch());
    this.#running = null;
  }

  /** A unit of each tenant that waits, in turn, as many as a batch may have. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let items = 0;
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      items += itemsOf(next.unit);
      if (batch.length > 0 && items > this.#options.batchItemsMax) break;
      batch.push(next);
      this.#queue.take();
    }
    return batch;
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    const { logger } = this.#dependencies;
    try {
      const outcomes = await this.#applyWithRetry(batch.map(({ unit }) => unit));
      batch.forEach(({ answer }, index) => {
        answer(outcomes[index] as UnitOutcome);
      });
    } catch (error) {
      if (batch.length > 1 && isAboutTheData(error)) {
        // One unit that the database can't take must not fail the others: it is found by halving.
        const middle = batch.length >> 1;
        await this.#settle(batch.slice(0, middle));
        await this.#settle(batch.slice(middle));
        return;
      }
      logger.error(
        { operation: 'ledger.write', code: 'unavailable', units: batch.length, error },
        'a batch failed',
      );
      const answer = isAboutTheData(error) ? asInvariant(error) : asUnavailable(error);
      for (const { fail } of batch) fail(answer);
    }
  }

  async #applyWithRetry(units: readonly UnitOfWork[]): Promise<readonly UnitOutcome[]> {
    const { store, clock, random, logger } = this.#dependencies;
    for (let attempt = 1; ; attempt++) {
      try {
        return await store.apply(units, clock.nowMs());
      } catch (error) {
        if (isAboutTheData(error) || attempt >= this.#options.batchAttemptsMax) throw error;
        logger.warn(
          { operation: 'ledger.write', attempt, units: units.length, error },
          'a batch is repeated',
        );
        const delayMs = this.#options.retryDelayMs * 2 ** (attempt - 1) * (0.5 + random.fraction());
        await new Promise<void>((resolve) => clock.after(delayMs, resolve));
      }
    }
  }
}

function itemsOf({ guards, commands, rows }: UnitOfWork): number {
  return (guards?.length ?? 0) + commands.length + rows.length;
}

function unavailable(cause?: unknown): AppError {
  const options = cause === undefined ? {} : { cause };
  return new AppError('unavailable', 'unavailable', 'The ledger can not be written right now.', options);
}

/** That the disk is full is for the caller to know. */
function asUnavailable(error: unknown): AppError {
  return error instanceof AppError && error.code === 'storage_full' ? error : unavailable(error);
}

function asInvariant(error: unknown): InvariantError {
  if (error instanceof InvariantError) return error;
  const wrong = new InvariantError('the database refuses a unit of work');
  wrong.cause = error;
  return wrong;
}

/**
 * True where repeating can't help: an impossible state, or an error that the database gives for the data or the statement
 * itself (SQLSTATE classes 21, 22, 23, 42, 44 and P0).
 */
function isAboutTheData(error: unknown): boolean {
  if (error instanceof InvariantError || error instanceof TypeError || error instanceof RangeError)
    return true;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return /^(2[123]|42|44|P0)...$/.test(code);
}
