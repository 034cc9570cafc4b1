import type { AccountId } from '../../kernel/ids.ts';

/** Requests at work: how many for whom, and when none is left. */
export class RunningRequests {
  readonly #accountMax: number;
  readonly #running = new Set<Promise<void>>();
  readonly #countOfAccount = new Map<AccountId, number>();
  #isClosing = false;

  /** At most `accountMax` requests of one account run at a time. */
  constructor(accountMax: number) {
    this.#accountMax = accountMax;
  }

  /** True when no more requests are taken. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** True when another request of the account may begin. */
  hasRoom(accountId: AccountId): boolean {
    return (this.#countOfAccount.get(accountId) ?? 0) < this.#accountMax;
  }

  /** Counts a request until `ended` resolves, which must never reject. */
  track(accountId: AccountId, ended: Promise<void>): void {
    this.#countOfAccount.set(accountId, (this.#countOfAccount.get(accountId) ?? 0) + 1);
    const over = ended.then(() => {
      this.#running.delete(over);
      const left = (this.#countOfAccount.get(accountId) ?? 1) - 1;
      if (left === 0) this.#countOfAccount.delete(accountId);
      else this.#countOfAccount.set(accountId, left);
    });
    this.#running.add(over);
  }

  /** Takes no more requests; resolves when all have ended. */
  async drained(): Promise<void> {
    this.#isClosing = true;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
