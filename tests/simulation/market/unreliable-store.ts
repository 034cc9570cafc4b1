import type { Clock } from '../../../server/kernel/clock.ts';
import { unavailable } from '../../../server/platform/database/failures.ts';
import type { ReachedStore } from '../../support/market-process.ts';
import type { MarketStoreInMemory } from '../../support/market-store.ts';
import type { Chance } from './chance.ts';

/** A commit on its way. */
interface UnderWay {
  readonly commit: () => void;
}

/**
 * The database as one server process reaches it: slow, refusing, losing what it was told before the commit or its answer
 * after it, away for a while. It ends with its process.
 */
export class UnreliableStore implements ReachedStore {
  readonly kept: MarketStoreInMemory;
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #isCalm: () => boolean;
  readonly #underWay = new Set<UnderWay>();
  #awayUntilMs = 0;

  /** `isCalm` says whether nothing fails any more. */
  constructor(
    kept: MarketStoreInMemory,
    surroundings: { readonly clock: Clock; readonly chance: Chance; readonly isCalm: () => boolean },
  ) {
    this.kept = kept;
    this.#clock = surroundings.clock;
    this.#chance = surroundings.chance;
    this.#isCalm = surroundings.isCalm;
  }

  /** Answers nothing for so long. */
  goAway(forMs: number): void {
    this.#awayUntilMs = this.#clock.nowMs() + forMs;
  }

  /** Does `work` in one transaction, sooner or later, or not. */
  async transaction<T>(work: () => T): Promise<T> {
    let done: { readonly value: T } | null = null;
    const commit = () => {
      done ??= { value: work() };
    };
    const fate = this.#fate();
    const underWay = { commit };
    if (fate !== 'before') this.#underWay.add(underWay);
    await this.#pass();
    this.#underWay.delete(underWay);
    if (fate === 'before') throw unavailable();
    commit();
    await this.#pass();
    if (fate === 'after') throw unavailable();
    return (done as unknown as { readonly value: T }).value;
  }

  /** Reads something, sooner or later, or fails. */
  async read<T>(work: () => Promise<T>): Promise<T> {
    const fate = this.#fate();
    await this.#pass();
    if (fate !== 'kept') throw unavailable();
    return work();
  }

  /** The process is gone: of what was under way the database may have heard, or not. */
  processDied(): void {
    for (const { commit } of this.#underWay) if (this.#chance.happens(0.5)) commit();
    this.#underWay.clear();
  }

  #fate(): 'kept' | 'before' | 'after' {
    if (this.#isCalm()) return 'kept';
    if (this.#clock.nowMs() < this.#awayUntilMs) return this.#chance.happens(0.8) ? 'before' : 'after';
    if (this.#chance.happens(0.04)) return 'before';
    return this.#chance.happens(0.04) ? 'after' : 'kept';
  }

  async #pass(): Promise<void> {
    const ms = this.#chance.happens(0.02) ? this.#chance.between(500, 5_000) : this.#chance.between(1, 10);
    await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
  }
}
