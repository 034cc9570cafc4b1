import type { AccountActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import type { AccountId, DeviceId, TenantId } from '../../kernel/ids.ts';
import { seesNetwork } from '../../kernel/permission.ts';
import {
  FOLLOWER_READINGS_MAX,
  FOLLOWERS_MAX,
  FOLLOWERS_PER_ACCOUNT_MAX,
  FOLLOWERS_PER_TENANT_MAX,
} from './limits.ts';
import type { KeptReading, ReadingPoint } from './types.ts';

/** Those who read what devices say as they say it. */
export class LiveReadings {
  readonly #followers = new Groups<DeviceId | TenantId | AccountId, Follower>();
  #count = 0;

  /** Refuses with `limit_reached` where as many follow already as may, for the account, its tenant or all. */
  requireRoom({ accountId, tenantId }: AccountActor): void {
    const isFull =
      this.#followers.countOf(accountId) >= FOLLOWERS_PER_ACCOUNT_MAX ||
      this.#followers.countOf(tenantId) >= FOLLOWERS_PER_TENANT_MAX ||
      this.#count >= FOLLOWERS_MAX;
    if (isFull) throw new AppError('conflict', 'limit_reached', 'As many read live as may at the same time.');
  }

  /**
   * What a device says from the first `next` on, as far as the account sees it, behind what `begin` gives. Ends with `signal`
   * and `close`; rejects with `consumer_too_slow` where too much waits for its reader.
   */
  follow(
    actor: AccountActor,
    deviceId: DeviceId,
    begin: () => Promise<readonly ReadingPoint[]>,
    signal: AbortSignal,
  ): AsyncIterable<ReadingPoint> {
    return {
      [Symbol.asyncIterator]: () => {
        const follower = new Follower(actor, begin, {
          join: () => this.#join(follower, actor, deviceId),
          leave: () => this.#leave(follower, actor, deviceId),
        });
        if (signal.aborted) follower.end();
        else signal.addEventListener('abort', () => follower.end(), { once: true });
        return follower;
      },
    };
  }

  /** These are kept. */
  tell(readings: readonly KeptReading[]): void {
    for (const reading of readings) {
      for (const follower of [...this.#followers.of(reading.deviceId)]) follower.offer(reading);
    }
  }

  /** Ends all that follow. */
  close(): void {
    for (const follower of [...this.#followers.all()]) follower.end();
  }

  #join(follower: Follower, actor: AccountActor, deviceId: DeviceId): void {
    this.requireRoom(actor);
    for (const key of [deviceId, actor.tenantId, actor.accountId]) this.#followers.add(key, follower);
    this.#count++;
  }

  #leave(follower: Follower, actor: AccountActor, deviceId: DeviceId): void {
    if (!this.#followers.remove(deviceId, follower)) return;
    for (const key of [actor.tenantId, actor.accountId]) this.#followers.remove(key, follower);
    this.#count--;
  }
}

/** One reader, with what waits for it. Nobody knows it before it reads: an answer may never be read. */
class Follower implements AsyncIterator<ReadingPoint> {
  readonly #actor: AccountActor;
  readonly #begin: () => Promise<readonly ReadingPoint[]>;
  readonly #registry: { join(): void; leave(): void };
  /** What was kept before it came; what comes meanwhile waits behind that. */
  #last: ReadingPoint[] = [];
  #waiting: ReadingPoint[] = [];
  #state: 'new' | 'reading' | 'slow' | 'over' = 'new';
  #wake: () => void = () => undefined;

  constructor(
    actor: AccountActor,
    begin: () => Promise<readonly ReadingPoint[]>,
    registry: { join(): void; leave(): void },
  ) {
    this.#actor = actor;
    this.#begin = begin;
    this.#registry = registry;
  }

  offer({ networkId, tenantId, name, unit, atMs, value }: KeptReading): void {
    if (tenantId !== this.#actor.tenantId || !seesNetwork(this.#actor, networkId)) return;
    this.#waiting.push({ name, unit, atMs, value });
    if (this.#waiting.length > FOLLOWER_READINGS_MAX) this.#stop('slow');
    else this.#wake();
  }

  end(): void {
    if (this.#state !== 'slow') this.#stop('over');
  }

  async next(): Promise<IteratorResult<ReadingPoint>> {
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

  async return(): Promise<IteratorResult<ReadingPoint>> {
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
