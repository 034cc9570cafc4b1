import type { Clock } from '../../kernel/clock.ts';
import type { AttemptOrder } from './attempt.ts';
import { MODEL_WAITERS_MAX } from './limits.ts';
import type { LiveProvider } from './live-provider.ts';
import { TokenTurns } from './token-turns.ts';

/** What a request waits for, and who takes turns. */
export type Waiter = Pick<AttemptOrder, 'model' | 'tenantId' | 'memberId' | 'accountId'>;

/** A free slot, and who has looked at it already. */
interface FreeSlot {
  readonly provider: LiveProvider;
  readonly looked: Set<Place>;
}

/** A request's place among those that wait for a slot of the same model. It keeps its place until it leaves. */
export class Place {
  readonly waiter: Waiter;
  readonly order: number;
  /** Ends its waiting; null while it doesn't wait. */
  wake: (() => void) | null = null;
  /** The slot it was woken for, until it has looked. */
  offered: FreeSlot | null = null;
  /** Somebody else has its place now, whose tenant has fewer. */
  isLost = false;

  constructor(waiter: Waiter, order: number) {
    this.waiter = waiter;
    this.order = order;
  }
}

/** Who waits for one model. It is forgotten, and what everybody was served with it, when nobody waits. */
class ModelQueue {
  readonly places = new Set<Place>();
  readonly #tenants = new TokenTurns<string>();
  /** The turns of a tenant's members are among themselves: forgotten when none of them waits. */
  readonly #members = new Map<string, TokenTurns<string>>();

  enter(place: Place): void {
    const { tenantId, memberId } = place.waiter;
    this.places.add(place);
    this.#tenants.enter(tenantId);
    const members = this.#members.get(tenantId) ?? new TokenTurns<string>();
    this.#members.set(tenantId, members);
    members.enter(memberId);
  }

  leave(place: Place): void {
    if (!this.places.delete(place)) return;
    const { tenantId, memberId } = place.waiter;
    this.#tenants.leave(tenantId);
    if (this.#tenants.waitingOf(tenantId) === 0) this.#members.delete(tenantId);
    else this.#members.get(tenantId)?.leave(memberId);
  }

  served({ tenantId, memberId }: Waiter, tokens: number): void {
    this.#tenants.add(tenantId, tokens);
    this.#members.get(tenantId)?.add(memberId, tokens);
  }

  /** Whose turn it is of those that wait and haven't looked: of the tenant that was served least its least served member. */
  next({ looked }: FreeSlot): Place | null {
    let next: Place | null = null;
    for (const place of this.places) {
      if (place.wake === null || looked.has(place)) continue;
      if (next === null || this.#isBefore(place, next)) next = place;
    }
    return next;
  }

  /** Makes room for one more: of the tenant that waits most often the last place, where it waits more often than `waiter`. */
  makeRoomFor(waiter: Waiter): boolean {
    let last: Place | null = null;
    for (const place of this.places) {
      if (last === null || this.#placesBeside(place) >= this.#placesBeside(last)) last = place;
    }
    if (last === null || this.#placesBeside(last) <= this.#tenants.waitingOf(waiter.tenantId) + 1)
      return false;
    this.leave(last);
    last.isLost = true;
    last.wake?.();
    return true;
  }

  #placesBeside(place: Place): number {
    return this.#tenants.waitingOf(place.waiter.tenantId);
  }

  /** Who came first is before who was served as much. */
  #isBefore({ waiter: one }: Place, { waiter: other }: Place): boolean {
    const tenants = this.#tenants.servedTokens(one.tenantId) - this.#tenants.servedTokens(other.tenantId);
    if (tenants !== 0 || one.tenantId !== other.tenantId) return tenants < 0;
    const members = this.#members.get(one.tenantId);
    if (members === undefined) return false;
    return members.servedTokens(one.memberId) < members.servedTokens(other.memberId);
  }
}

/**
 * Requests that wait for a slot, by model. A free slot wakes one: of each of its provider's models the one whose turn it is by
 * the tokens that tenants and their members were served, and of these the one that waits longest. Who looks and doesn't take
 * it lets the next one look.
 */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #queues = new Map<string, ModelQueue>();
  /** Where what is served now was counted, and as how much. */
  readonly #counted = new WeakMap<Waiter, { readonly queue: ModelQueue; readonly tokens: number }>();
  #order = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A place for the waiter's model; null where it is full and no tenant has more of its places. */
  enter(waiter: Waiter): Place | null {
    const queue = this.#queues.get(waiter.model) ?? new ModelQueue();
    if (queue.places.size >= MODEL_WAITERS_MAX && !queue.makeRoomFor(waiter)) return null;
    const place = new Place(waiter, this.#order++);
    queue.enter(place);
    this.#queues.set(waiter.model, queue);
    return place;
  }

  /** All that wait for a slot. */
  *waiters(): Iterable<Waiter> {
    for (const { places } of this.#queues.values()) for (const { waiter } of places) yield waiter;
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
    const { model } = place.waiter;
    const queue = this.#queues.get(model);
    queue?.leave(place);
    if (queue?.places.size === 0) this.#queues.delete(model);
    this.#passOn(place);
  }

  /** Somebody is served, probably so many tokens: they count where others wait for the same model. */
  served(waiter: Waiter, tokens: number): void {
    const queue = this.#queues.get(waiter.model);
    if (queue === undefined) return;
    queue.served(waiter, tokens);
    this.#counted.set(waiter, { queue, tokens });
  }

  /** How many tokens it was in truth. What was not counted isn't taken back: whoever begins while nobody waits would save turns up. */
  corrected(waiter: Waiter, tokens: number): void {
    const queue = this.#queues.get(waiter.model);
    const counted = this.#counted.get(waiter);
    this.#counted.delete(waiter);
    queue?.served(waiter, tokens - (counted !== undefined && counted.queue === queue ? counted.tokens : 0));
  }

  /** A provider may have a free slot: lets the one look whose turn it is. */
  slotFreed(provider: LiveProvider): void {
    this.#wakeNext({ provider, looked: new Set() });
  }

  /** Lets everybody look. */
  wakeAll(): void {
    for (const { places } of this.#queues.values()) for (const place of places) place.wake?.();
  }

  /** What it was woken for and didn't take, or took only a part of, is the next one's to look at. */
  #passOn(place: Place): void {
    const slot = place.offered;
    place.offered = null;
    if (slot !== null) this.#wakeNext(slot);
  }

  #wakeNext(slot: FreeSlot): void {
    const { provider, looked } = slot;
    if (!provider.takesRequests(this.#clock.monotonicMs())) return;
    let next: Place | null = null;
    for (const { name } of provider.models) {
      const place = this.#queues.get(name)?.next(slot) ?? null;
      if (place !== null && (next === null || place.order < next.order)) next = place;
    }
    if (next === null) return;
    looked.add(next);
    next.offered = slot;
    next.wake?.();
  }
}
