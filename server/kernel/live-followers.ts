import type { AccountActor } from './actor.ts';
import { AppError } from './errors.ts';
import { Groups } from './groups.ts';

/** How many follow at the same time, and how much may wait for one of them. */
export interface FollowLimits {
  readonly perAccountMax: number;
  /** So that no tenant takes them all. */
  readonly perTenantMax: number;
  readonly max: number;
  /** Items that wait for one who reads them, behind those it began with. Who is slower is cut. */
  readonly waitingMax: number;
}

/**
 * Those who read what happens to something as it happens. `view` is what an account is shown of what is told; null: nothing.
 */
export class LiveFollowers<Told, Item> {
  readonly #limits: FollowLimits;
  readonly #view: (actor: AccountActor, told: Told) => Item | null;
  readonly #followers = new Groups<string, Follower<Told, Item>>();
  #count = 0;

  constructor(limits: FollowLimits, view: (actor: AccountActor, told: Told) => Item | null) {
    this.#limits = limits;
    this.#view = view;
  }

  /** Refuses with `limit_reached` where as many follow already as may, for the account, its tenant or all. */
  requireRoom({ accountId, tenantId }: AccountActor): void {
    const isFull =
      this.#followers.countOf(accountId) >= this.#limits.perAccountMax ||
      this.#followers.countOf(tenantId) >= this.#limits.perTenantMax ||
      this.#count >= this.#limits.max;
    if (isFull) throw new AppError('conflict', 'limit_reached', 'As many read live as may at the same time.');
  }

  /**
   * What is told of any of `subjects` from the first `next` on, as far as the account sees it, behind what `begin` gives. Ends with `signal`
   * and `close`; rejects with `consumer_too_slow` where too much waits for its reader.
   */
  follow(
    actor: AccountActor,
    subjects: readonly string[],
    begin: () => Promise<readonly Item[]>,
    signal: AbortSignal,
  ): AsyncIterable<Item> {
    return {
      [Symbol.asyncIterator]: () => {
        const follower = new Follower<Told, Item>(actor, begin, {
          view: this.#view,
          waitingMax: this.#limits.waitingMax,
          join: () => this.#join(follower, actor, subjects),
          leave: () => this.#leave(follower, actor, subjects),
        });
        if (signal.aborted) follower.end();
        else signal.addEventListener('abort', () => follower.end(), { once: true });
        return follower;
      },
    };
  }

  /** True while somebody follows it. */
  isFollowed(subject: string): boolean {
    return this.#followers.hasAny(subject);
  }

  /** True while nobody follows anything. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  tell(subject: string, told: Told): void {
    for (const follower of [...this.#followers.of(subject)]) follower.offer(told);
  }

  /** Ends all that follow. */
  close(): void {
    for (const follower of [...this.#followers.all()]) follower.end();
  }

  #join(follower: Follower<Told, Item>, actor: AccountActor, subjects: readonly string[]): void {
    this.requireRoom(actor);
    for (const key of [...subjects, actor.tenantId, actor.accountId]) this.#followers.add(key, follower);
    this.#count++;
  }

  #leave(follower: Follower<Told, Item>, actor: AccountActor, subjects: readonly string[]): void {
    if (!this.#followers.remove(actor.accountId, follower)) return;
    for (const key of [...subjects, actor.tenantId]) this.#followers.remove(key, follower);
    this.#count--;
  }
}

/** What a reader needs of those it is one of. */
interface FollowerRegistry<Told, Item> {
  readonly view: (actor: AccountActor, told: Told) => Item | null;
  readonly waitingMax: number;
  join(): void;
  leave(): void;
}

/** One reader, with what waits for it. Nobody knows it before it reads: an answer may never be read. */
class Follower<Told, Item> implements AsyncIterator<Item> {
  readonly #actor: AccountActor;
  readonly #begin: () => Promise<readonly Item[]>;
  readonly #registry: FollowerRegistry<Told, Item>;
  /** What was kept before it came; what comes meanwhile waits behind that. */
  #last: Item[] = [];
  #waiting: Item[] = [];
  #state: 'new' | 'reading' | 'slow' | 'over' = 'new';
  #wake: () => void = () => undefined;

  constructor(
    actor: AccountActor,
    begin: () => Promise<readonly Item[]>,
    registry: FollowerRegistry<Told, Item>,
  ) {
    this.#actor = actor;
    this.#begin = begin;
    this.#registry = registry;
  }

  offer(told: Told): void {
    const item = this.#registry.view(this.#actor, told);
    if (item === null) return;
    this.#waiting.push(item);
    if (this.#waiting.length > this.#registry.waitingMax) this.#stop('slow');
    else this.#wake();
  }

  end(): void {
    if (this.#state !== 'slow') this.#stop('over');
  }

  async next(): Promise<IteratorResult<Item>> {
    if (this.#state === 'new') await this.#start();
    for (;;) {
      if (this.#state === 'slow') throw tooSlow();
      if (this.#state === 'over') return { done: true, value: undefined };
      const value = this.#last.shift() ?? this.#waiting.shift();
      if (value !== undefined) return { done: false, value };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Item>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Known before it looks at what is kept: what is said meanwhile comes behind it, and may come twice. */
  async #start(): Promise<void> {
    this.#registry.join();
    this.#state = 'reading';
    try {
      const last = await this.#begin();
      if (this.#state === 'reading') this.#last = [...last];
    } catch (error) {
      this.end();
      throw error;
    }
  }

  #stop(state: 'slow' | 'over'): void {
    this.#state = state;
    this.#last = [];
    this.#waiting = [];
    this.#registry.leave();
    this.#wake();
  }
}

function tooSlow(): AppError {
  return new AppError('unavailable', 'consumer_too_slow', 'You read too slowly.');
}
