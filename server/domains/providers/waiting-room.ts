import type { Clock } from '../../kernel/clock.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { ACCOUNT_WAITERS_MAX, MODEL_WAITERS_MAX } from './limits.ts';
import type { LiveProvider } from './live-provider.ts';

/** A request's place among those that wait for a slot of the same model. It keeps its place until it leaves. */
export class Place {
  readonly model: string;
  readonly accountId: AccountId;
  readonly order: number;
  /** Ends its waiting; null while it doesn't wait. */
  wake: (() => void) | null = null;
  /** Whose free slot it was woken for, until it has looked. */
  offered: LiveProvider | null = null;

  constructor(model: string, accountId: AccountId, order: number) {
    this.model = model;
    this.accountId = accountId;
    this.order = order;
  }
}

/**
 * Requests that wait for a slot, by model. A free slot wakes the one that waits longest for any of its provider's models;
 * who looks and doesn't take it lets the next one look. A freed slot wakes one request, not all of them.
 */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #places = new Map<string, Set<Place>>();
  readonly #countOfAccount = new Map<AccountId, number>();
  #order = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last place for `model`; null where it or the account has as many as may be. */
  enter(model: string, accountId: AccountId): Place | null {
    const places = this.#places.get(model) ?? new Set();
    const count = this.#countOfAccount.get(accountId) ?? 0;
    if (places.size >= MODEL_WAITERS_MAX || count >= ACCOUNT_WAITERS_MAX) return null;
    const place = new Place(model, accountId, this.#order++);
    this.#places.set(model, places.add(place));
    this.#countOfAccount.set(accountId, count + 1);
    return place;
  }

  /** Resolves when a slot may be free, at the latest after `waitMs` or when `signal` aborts. */
  async wait(place: Place, waitMs: number, signal: AbortSignal): Promise<void> {
    this.#passOn(place);
    await new Promise<void>((resolve) => {
      const wake = () => {
        place.wake = null;
        signal.removeEventListener('abort', wake);
        cancelTimer();
        resolve();
      };
      const cancelTimer = this.#clock.after(waitMs, wake);
      signal.addEventListener('abort', wake);
      place.wake = wake;
    });
  }

  /** Gives the place up, with a slot or without. */
  leave(place: Place): void {
    const places = this.#places.get(place.model);
    if (!places?.delete(place)) return;
    if (places.size === 0) this.#places.delete(place.model);
    const count = (this.#countOfAccount.get(place.accountId) ?? 1) - 1;
    if (count === 0) this.#countOfAccount.delete(place.accountId);
    else this.#countOfAccount.set(place.accountId, count);
    this.#passOn(place);
  }

  /** A provider may have a free slot: lets the one that waits longest for it look. */
  slotFreed(provider: LiveProvider): void {
    this.#wakeNext(provider, -1);
  }

  /** Lets everybody look. */
  wakeAll(): void {
    for (const places of this.#places.values()) for (const place of places) place.wake?.();
  }

  /** What it was woken for and didn't take, or took only a part of, is the next one's to look at. */
  #passOn(place: Place): void {
    const provider = place.offered;
    place.offered = null;
    if (provider !== null) this.#wakeNext(provider, place.order);
  }

  #wakeNext(provider: LiveProvider, behind: number): void {
    if (!provider.takesRequests(this.#clock.monotonicMs())) return;
    let next: Place | null = null;
    for (const { name } of provider.models) {
      for (const place of this.#places.get(name) ?? []) {
        if (place.wake === null || place.order <= behind) continue;
        if (next === null || place.order < next.order) next = place;
        break;
      }
    }
    if (next === null) return;
    next.offered = provider;
    next.wake?.();
  }
}
