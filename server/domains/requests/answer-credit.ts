import type { AccountId } from '../../kernel/ids.ts';
import { CREDIT_BYTES } from '../providers/index.ts';
import type { AnswerBudget } from './answer-budget.ts';

/** Bytes that are granted at a time, so that not every piece that is read makes a message. */
const GRANT_BYTES_MIN = CREDIT_BYTES / 8;

/** The memory of one request: its body, and what its provider may send, reserved before it may send it. */
export class AnswerCredit {
  readonly #budget: AnswerBudget;
  readonly #accountId: AccountId;
  readonly #bodyBytes: number;
  #reservedBytes = 0;
  #dueBytes = 0;
  #grant: (bytes: number) => void = () => {};
  #cancelWish: (() => void) | null = null;
  #isClosed = false;

  constructor(budget: AnswerBudget, accountId: AccountId, bodyBytes: number) {
    this.#budget = budget;
    this.#accountId = accountId;
    this.#bodyBytes = bodyBytes;
  }

  /** Reserves the body and the credit a provider begins with. False: there is no memory for them. */
  reserve(): boolean {
    const bytes = this.#bodyBytes + CREDIT_BYTES;
    if (!this.#budget.reserve(this.#accountId, bytes)) return false;
    this.#reservedBytes = bytes;
    return true;
  }

  /** From now on `grant` gives the provider that answers more credit. */
  grantWith(grant: (bytes: number) => void): void {
    this.#grant = grant;
  }

  /** Reserves the body that has another provider go on with the answer. False: there is no memory for it. */
  reserveBody(bytes: number): boolean {
    if (!this.#budget.reserve(this.#accountId, bytes)) return false;
    this.#reservedBytes += bytes;
    return true;
  }

  /**
   * Another provider goes on, and has no credit yet: it gets what the one before left of its own, which is reserved. What is due
   * follows as it would have.
   */
  beginAgain(unreadBytes: number): void {
    this.#grant(Math.max(0, CREDIT_BYTES - this.#dueBytes - unreadBytes));
  }

  /** The reader took so much: as much may follow, as soon as there is memory for it. */
  readerTook(bytes: number): void {
    if (this.#isClosed) return;
    this.#dueBytes += bytes;
    this.#grantWhatIsDue();
  }

  #grantWhatIsDue(): void {
    if (this.#dueBytes < GRANT_BYTES_MIN || this.#cancelWish !== null) return;
    const due = this.#dueBytes;
    if (this.#budget.reserve(this.#accountId, due)) this.#granted(due);
    else this.#cancelWish = this.#budget.reserveLater(this.#accountId, due, () => this.#granted(due));
  }

  /** Gives everything back. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelWish?.();
    this.#budget.release(this.#accountId, this.#reservedBytes);
  }

  #granted(bytes: number): void {
    this.#cancelWish = null;
    this.#dueBytes -= bytes;
    this.#reservedBytes += bytes;
    this.#grant(bytes);
    // More may have been read while there was no memory, and nothing else would ask for it.
    if (!this.#isClosed) this.#grantWhatIsDue();
  }
}
