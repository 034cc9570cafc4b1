import type { Clock } from '../../kernel/clock.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { LogFields, Logger } from '../../kernel/logger.ts';
import { logRefusal } from '../error-table.ts';
import { REFUSAL_LOG_INTERVAL_MS } from './limits.ts';

/**
 * What one connection is refused, in the log: the first refusal at once, what follows within a second in one line, by the
 * last of them and how many they were. So a device that sends nothing but refusals costs one line a second.
 */
export class RefusalLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #noted: (error: AppError, fields: LogFields, count: number) => void;
  #cancelPause: (() => void) | null = null;
  #last: { readonly error: AppError; readonly fields: LogFields } | null = null;
  #count = 0;

  /** `noted` is called with what is written, and how many refusals it stands for. */
  constructor(
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
    noted: (error: AppError, fields: LogFields, count: number) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#noted = noted;
  }

  add(error: AppError, fields: LogFields): void {
    // A fault of ours stays: nothing else tells of it.
    if (this.#last?.error.kind !== 'internal') this.#last = { error, fields };
    this.#count++;
    if (this.#cancelPause === null) this.#write();
  }

  /** The connection is over: what was not written yet is. */
  close(): void {
    this.#write();
    this.#cancelPause?.();
    this.#cancelPause = null;
  }

  #write(): void {
    if (this.#last === null) return;
    const { error, fields } = this.#last;
    const refusals = this.#count;
    this.#last = null;
    this.#count = 0;
    logRefusal(this.#logger, error, { ...fields, refusals }, 'frame refused');
    this.#noted(error, fields, refusals);
    this.#cancelPause = this.#clock.after(REFUSAL_LOG_INTERVAL_MS, () => {
      this.#cancelPause = null;
      this.#write();
    });
  }
}
