import type { AppError } from '../../kernel/errors.ts';
import { WRONG_FRAMES_MAX } from './limits.ts';

/** Counts what one connection gets wrong in a row. */
export class WrongFrames {
  #count = 0;

  /** A frame was in order, whatever its type. */
  accepted(): void {
    this.#count = 0;
  }

  /** A frame was refused. True: one too many. What failed on our side doesn't count, nor what finds no room. */
  refused({ kind, code }: AppError): boolean {
    const isWrong = kind !== 'unavailable' && kind !== 'internal' && code !== 'storage_quota_exceeded';
    if (isWrong) this.#count++;
    return this.#count > WRONG_FRAMES_MAX;
  }
}
