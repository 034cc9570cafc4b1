import type { AccountId } from '../../kernel/ids.ts';

/** Bounds of the bytes of requests and answers in memory. */
export interface AnswerBudgetLimits {
  readonly accountBytesMax: number;
  readonly processBytesMax: number;
}

interface Waiting {
  readonly accountId: AccountId;
  readonly bytes: number;
  readonly granted: () => void;
}

/**
 * Bytes of requests and answers that may be in memory. A request reserves its body, and what its provider may send before it
 * may send it, and gives all of it back at its end. So who doesn't read holds up nobody's memory but his own share. An account
 * may have half of what it leaves free, so that it takes many accounts together to leave nothing for one that has nothing
 * (dynamic thresholds, as in `FairQueue`).
 */
export class AnswerBudget {
  readonly #limits: AnswerBudgetLimits;
  readonly #bytesOfAccount = new Map<AccountId, number>();
  #bytes = 0;
  #waiting: Waiting[] = [];

  constructor(limits: AnswerBudgetLimits) {
    this.#limits = limits;
  }

  /** Bytes that are reserved now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Reserves `bytes`. False: there is no room. */
  reserve(accountId: AccountId, bytes: number): boolean {
    const ofAccount = (this.#bytesOfAccount.get(accountId) ?? 0) + bytes;
    const freeBytes = this.#limits.processBytesMax - this.#bytes - bytes;
    if (ofAccount > this.#limits.accountBytesMax || 2 * ofAccount > freeBytes) return false;
    this.#bytesOfAccount.set(accountId, ofAccount);
    this.#bytes += bytes;
    return true;
  }

  /** Reserves `bytes` as soon as there is room, then calls `granted`. The returned function takes the wish back. */
  reserveLater(accountId: AccountId, bytes: number, granted: () => void): () => void {
    const wish = { accountId, bytes, granted };
    this.#waiting.push(wish);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== wish);
    };
  }

  /** Gives back what was reserved. */
  release(accountId: AccountId, bytes: number): void {
    const left = (this.#bytesOfAccount.get(accountId) ?? 0) - bytes;
    if (left > 0) this.#bytesOfAccount.set(accountId, left);
    else this.#bytesOfAccount.delete(accountId);
    this.#bytes -= bytes;
    const granted = this.#waiting.filter((wish) => this.reserve(wish.accountId, wish.bytes));
    this.#waiting = this.#waiting.filter((wish) => !granted.includes(wish));
    for (const wish of granted) wish.granted();
  }
}
