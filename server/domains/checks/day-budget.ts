import { OFFER_CHECKS_PER_DAY, OWNER_CHECKS_PER_DAY } from './limits.ts';

/** Milliseconds of a day. */
const DAY_MS = 86_400_000;

/** What checks may cost a day (UTC): so many of an offer, and of an owner, and so much money in all. */
export class DayBudget {
  readonly #microcentsMax: bigint;
  readonly #checks = new Map<string, number>();
  #day = -1;
  #spentMicrocents = 0n;

  constructor(microcentsMax: bigint) {
    this.#microcentsMax = microcentsMax;
  }

  /** True: a check that costs `microcents` at most is still allowed. */
  allows(offerKey: string, ownerId: string, microcents: bigint, nowMs: number): boolean {
    this.#turnDay(nowMs);
    return (
      this.#spentMicrocents + microcents <= this.#microcentsMax &&
      (this.#checks.get(offerKey) ?? 0) < OFFER_CHECKS_PER_DAY &&
      (this.#checks.get(ownerId) ?? 0) < OWNER_CHECKS_PER_DAY
    );
  }

  /** A check was made. */
  note(offerKey: string, ownerId: string, nowMs: number): void {
    this.#turnDay(nowMs);
    for (const key of [offerKey, ownerId]) this.#checks.set(key, (this.#checks.get(key) ?? 0) + 1);
  }

  /** It cost this. */
  spend(microcents: bigint): void {
    this.#spentMicrocents += microcents;
  }

  #turnDay(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#checks.clear();
    this.#spentMicrocents = 0n;
  }
}
