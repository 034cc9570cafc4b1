import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { Attempt, type AttemptOrder, attemptKey } from './attempt.ts';
import { ENDED_REQUESTS_REMEMBERED, STANDINGS_REMEMBERED } from './limits.ts';
import { LiveProvider, ProviderStanding } from './live-provider.ts';
import type { Eligible } from './selection.ts';
import type { Offer, ProviderDevice, ProviderId, ProviderLink } from './types.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Who is connected, what they serve, and what they work on. In memory: a provider offers again when it reconnects. */
export class ProviderRegistry {
  /** Who waits for a slot. */
  readonly waitingRoom: WaitingRoom;
  readonly #clock: Clock;
  readonly #byDevice = new Map<DeviceId, LiveProvider>();
  readonly #standings = new Map<ProviderId, ProviderStanding>();
  /** Attempts at work, by device and request. */
  readonly #attempts = new Map<string, Attempt>();
  /**
   * Requests whose attempts ended a moment ago, by device: true when by the device's own result. Late messages of others are
   * ignored.
   */
  readonly #endedLately = new Map<DeviceId, Map<string, boolean>>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.waitingRoom = new WaitingRoom(clock);
  }

  /** Lists a provider, or replaces what it serves. */
  list(id: ProviderId, { deviceId, tenantId }: ProviderDevice, link: ProviderLink, offer: Offer): void {
    let provider = this.#byDevice.get(deviceId);
    if (provider?.link === link) {
      provider.replaceOffer(offer);
    } else {
      provider = new LiveProvider({ id, deviceId, tenantId, link }, this.#standingOf(id), offer);
      this.#byDevice.set(deviceId, provider);
    }
    this.waitingRoom.slotFreed(provider);
  }

  /** Takes a provider from the list; what it works on goes on. With `link`: only where it is listed by that one. */
  unlist(deviceId: DeviceId, link?: ProviderLink): void {
    const present = this.#byDevice.get(deviceId);
    if (present && (link === undefined || present.link === link)) this.#byDevice.delete(deviceId);
  }

  /** Takes every provider of a tenant from the list. */
  unlistTenant(tenantId: TenantId): void {
    for (const provider of this.#byDevice.values()) {
      if (provider.tenantId === tenantId) this.#byDevice.delete(provider.deviceId);
    }
  }

  /** What a tenant has in the list beside this device of it: a provider for each device, and the models of each. */
  ofTenant({ tenantId, deviceId }: ProviderDevice): LiveProvider[] {
    return [...this.#byDevice.values()].filter(
      (provider) => provider.tenantId === tenantId && provider.deviceId !== deviceId,
    );
  }

  providers(): Iterable<LiveProvider> {
    return this.#byDevice.values();
  }

  findProvider(id: ProviderId): LiveProvider | null {
    for (const provider of this.#byDevice.values()) if (provider.id === id) return provider;
    return null;
  }

  /** Every listed provider of a model. */
  offersOf(model: string): Eligible[] {
    const eligible: Eligible[] = [];
    for (const provider of this.#byDevice.values()) {
      const offered = provider.findModel(model);
      if (offered) eligible.push({ provider, model: offered });
    }
    return eligible;
  }

  /** Every model of every listed provider. */
  everyOffer(): Eligible[] {
    return [...this.#byDevice.values()].flatMap((provider) =>
      provider.models.map((model) => ({ provider, model })),
    );
  }

  /** Takes a slot of a provider, at once: whoever chooses next sees that it is taken. */
  takeSlot(chosen: Eligible, order: AttemptOrder, isProbe: boolean): Attempt {
    const giveSlotBack = (ended: Attempt) => this.#slotGivenBack(ended);
    const attempt = new Attempt(chosen, order, isProbe, { clock: this.#clock, giveSlotBack });
    this.#attempts.set(attemptKey(chosen.provider.deviceId, order.requestId), attempt);
    return attempt;
  }

  /**
   * The attempt a message belongs to; null when it ended a moment ago without the provider knowing. Refuses with
   * `transaction_not_found` a request this device was never given, and with `provider_answer_malformed` a message after
   * the device's own result.
   */
  attemptOf(deviceId: DeviceId, requestId: string): Attempt | null {
    const key = attemptKey(deviceId, requestId);
    const attempt = this.#attempts.get(key);
    if (attempt) return attempt;
    const endedByResult = this.#endedLately.get(deviceId)?.get(requestId);
    if (endedByResult === undefined) throw notFound('transaction');
    if (!endedByResult) return null;
    throw new AppError('invalid', 'provider_answer_malformed', 'The answer to this request has ended.');
  }

  /** The device has gone: ends what it works on with `provider_vanished`. Nothing late can come from it any more. */
  disconnect(deviceId: DeviceId, link: ProviderLink): void {
    this.unlist(deviceId, link);
    for (const attempt of this.attempts()) {
      if (attempt.provider.link === link) attempt.fail('provider_vanished');
    }
    if (!this.#byDevice.has(deviceId)) this.#endedLately.delete(deviceId);
  }

  attempts(): readonly Attempt[] {
    return [...this.#attempts.values()];
  }

  /** From now on nobody gets a slot: ends every attempt with `unavailable`, and lets those who wait see it. */
  close(): void {
    this.#isClosed = true;
    for (const attempt of this.attempts()) attempt.fail('unavailable');
    this.waitingRoom.wakeAll();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #slotGivenBack({ provider, order, end }: Attempt): void {
    const { deviceId } = provider;
    this.#attempts.delete(attemptKey(deviceId, order.requestId));
    if (end?.kind !== 'unused') {
      const ended = this.#endedLately.get(deviceId) ?? new Map<string, boolean>();
      this.#endedLately.set(deviceId, ended.set(order.requestId, end?.kind === 'answered'));
      forgetOldest(ended, ENDED_REQUESTS_REMEMBERED);
    }
    const listed = this.#byDevice.get(deviceId);
    if (listed) this.waitingRoom.slotFreed(listed);
  }

  #standingOf(id: ProviderId): ProviderStanding {
    const standing = this.#standings.get(id) ?? new ProviderStanding();
    this.#standings.delete(id);
    this.#standings.set(id, standing);
    forgetOldest(this.#standings, STANDINGS_REMEMBERED);
    return standing;
  }
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
