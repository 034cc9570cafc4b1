import type { AppError } from '../../kernel/errors.ts';
import { REFUSED_FRAMES_MAX, WRONG_FRAMES_MAX } from './limits.ts';

/** What somebody else decided: a device that nobody told goes on sending, and does nothing wrong. */
const DECIDED_BY_OTHERS: ReadonlySet<string> = new Set([
  'connection_required',
  'connection_limited',
  'connection_decided',
  'frame_destination_unknown',
]);

/** Counts what one connection gets wrong in a row. */
export class WrongFrames {
  #wrong = 0;
  #refused = 0;

  /** A frame was in order, whatever its type. */
  accepted(): void {
    this.#wrong = 0;
    this.#refused = 0;
  }

  /**
   * A frame was refused. True: one too many. What failed on our side doesn't count, nor what finds no room; of what others decided
   * there may be many.
   */
  refused({ kind, code }: AppError): boolean {
    if (kind === 'unavailable' || kind === 'internal' || code === 'storage_quota_exceeded') return false;
    if (DECIDED_BY_OTHERS.has(code)) return ++this.#refused > REFUSED_FRAMES_MAX;
    return ++this.#wrong > WRONG_FRAMES_MAX;
  }
}
