import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { Attempt, type AttemptOrder, attemptKey } from './attempt.ts';
import type { ProviderHealth } from './health.ts';
import { ENDED_REQUESTS_REMEMBERED, STANDINGS_REMEMBERED } from './limits.ts';
import { LiveProvider, ProviderStanding } from './live-provider.ts';
import { type Eligible, ModelMarket } from './model-market.ts';
import type { Offer, ProviderDevice, ProviderId, ProviderLink } from './types.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Who is connected, what they serve, and what they work on. In memory: a provider offers again when it reconnects. */
export class ProviderRegistry {
  /** Who waits for a slot. */
  readonly waitingRoom: WaitingRoom;
  readonly #clock: Clock;
  readonly #byDevice = new Map<DeviceId, LiveProvider>();
  readonly #byId = new Map<ProviderId, LiveProvider>();
  readonly #markets = new Map<string, ModelMarket>();
  /** Every model with its least price, the cheapest first; null: something has changed. */
  #cheapest: readonly CheapModel[] | null = null;
  readonly #countOfTenant = new Map<TenantId, number>();
  readonly #standings = new Map<ProviderId, ProviderStanding>();
  /** Attempts at work, by device and request. */
  readonly #attempts = new Map<string, Attempt>();
  /**
   * Requests whose attempts ended a moment ago, by device: true when by the device's own result. Late messages of others are
   * ignored.
   */
  readonly #endedLately = new Map<DeviceId, Map<string, boolean>>();
  /** Hears of every attempt that has ended. */
  onAttemptEnded: (attempt: Attempt) => void = () => undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.waitingRoom = new WaitingRoom(clock);
  }

  /** Lists a provider, or replaces what it serves, and whom: everybody, or its tenant alone. */
  list(
    id: ProviderId,
    { deviceId, tenantId }: ProviderDevice,
    link: ProviderLink,
    offer: Offer,
    { isShared, declared }: Partial<Pick<LiveProvider, 'isShared' | 'declared'>> = {},
  ): void {
    let provider = this.#byDevice.get(deviceId);
    const earlier = provider?.models ?? [];
    if (provider?.link === link) {
      provider.replaceOffer(offer);
    } else {
      if (provider !== undefined) this.#count(provider.tenantId, -1);
      this.#count(tenantId, 1);
      provider = new LiveProvider({ id, deviceId, tenantId, link }, this.#standingOf(id, tenantId), offer);
      this.#byDevice.set(deviceId, provider);
      this.#byId.set(id, provider);
    }
    provider.isShared = isShared ?? true;
    provider.declared = declared ?? provider.declared;
    for (const { name } of earlier) if (provider.findModel(name) === null) this.#leaveMarket(name, id);
    for (const model of provider.models) this.#enterMarket({ provider, model });
    this.waitingRoom.slotFreed(provider);
  }

  /** Takes a provider from the list; what it works on goes on. With `link`: only where it is listed by that one. */
  unlist(deviceId: DeviceId, link?: ProviderLink): void {
    const present = this.#byDevice.get(deviceId);
    if (present && (link === undefined || present.link === link)) this.#remove(present);
  }

  /** Takes every provider of a tenant from the list that serves others, too. */
  unlistTenant(tenantId: TenantId): void {
    for (const provider of this.#byDevice.values()) {
      if (provider.tenantId === tenantId && provider.isShared) this.#remove(provider);
    }
  }

  /** What a tenant has in the list beside this device of it: a provider for each device, and the models of each. */
  ofTenant({ tenantId, deviceId }: ProviderDevice): LiveProvider[] {
    return [...this.#byDevice.values()].filter(
      (provider) => provider.tenantId === tenantId && provider.deviceId !== deviceId,
    );
  }

  /** True: the tenant has something in the list. */
  hasProvider(tenantId: TenantId): boolean {
    return (this.#countOfTenant.get(tenantId) ?? 0) > 0;
  }

  /** Who serves the tenant; null: who serves everybody. */
  providersFor(tenantId: TenantId | null): LiveProvider[] {
    return [...this.#byDevice.values()].filter((provider) => provider.serves(tenantId));
  }

  findProvider(id: ProviderId): LiveProvider | null {
    return this.#byId.get(id) ?? null;
  }

  findDevice(id: DeviceId): LiveProvider | null {
    return this.#byDevice.get(id) ?? null;
  }

  /** What a provider has shown, listed or not; null: nothing, or it is forgotten. */
  findStanding(id: ProviderId): ProviderStanding | null {
    return this.#standings.get(id) ?? null;
  }

  /** Everybody who offers a model; null: nobody does. */
  marketOf(model: string): ModelMarket | null {
    return this.#markets.get(model) ?? null;
  }

  /** Every listed provider of a model that serves the tenant; its own serve it for nothing. */
  offersOf(model: string, tenantId: TenantId | null = null): readonly Eligible[] {
    const market = this.#markets.get(model);
    if (market === undefined) return [];
    const offers = market.isOpen
      ? market.offers
      : market.offers.filter(({ provider }) => provider.serves(tenantId));
    if (tenantId === null || !this.hasProvider(tenantId)) return offers;
    return offers.map((offer) => (offer.provider.tenantId === tenantId ? free(offer) : offer));
  }

  /** Who offers a model and serves the tenant. */
  servingOf(model: string, tenantId: TenantId): LiveProvider[] {
    const offers = this.#markets.get(model)?.offers ?? [];
    return offers.map(({ provider }) => provider).filter((provider) => provider.serves(tenantId));
  }

  /**
   * Every model that is offered, with a price that nobody who serves the tenant asks less than for it, the lowest first: those of its own
   * providers at none. Equals by name.
   */
  modelsByPrice(tenantId: TenantId): readonly CheapModel[] {
    this.#cheapest ??= [...this.#markets]
      .map(([name, { lowestPrice }]) => ({ name, lowestPrice }))
      .sort(byPriceAndName);
    if (!this.hasProvider(tenantId)) return this.#cheapest;
    const own = new Set<string>();
    for (const provider of this.#byDevice.values())
      if (provider.tenantId === tenantId) for (const { name } of provider.models) own.add(name);
    const free = [...own].map((name) => ({ name, lowestPrice: 0 }));
    return [...free, ...this.#cheapest.filter(({ name }) => !own.has(name))].sort(byPriceAndName);
  }

  /** Takes a slot of a provider, at once: whoever chooses next sees that it is taken. */
  takeSlot(chosen: Eligible, order: AttemptOrder, isProbe: boolean): Attempt {
    const giveSlotBack = (ended: Attempt) => this.#slotGivenBack(ended);
    const attempt = new Attempt(chosen, order, isProbe, {
      clock: this.#clock,
      giveSlotBack,
      slotsGrew: ({ provider }) => this.#wakeFor(provider),
      rests: (attempt, restMs) => this.#rest(attempt, restMs),
    });
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

  #slotGivenBack(attempt: Attempt): void {
    const { provider, order, end } = attempt;
    this.onAttemptEnded(attempt);
    const { deviceId } = provider;
    this.#attempts.delete(attemptKey(deviceId, order.requestId));
    if (end?.kind !== 'unused') {
      const ended = this.#endedLately.get(deviceId) ?? new Map<string, boolean>();
      this.#endedLately.set(deviceId, ended.set(order.requestId, end?.kind === 'answered'));
      forgetOldest(ended, ENDED_REQUESTS_REMEMBERED);
    }
    provider.standing.touch();
    this.#wakeFor(provider);
  }

  /** Its requester is not given to it for this model for that time, nor is anybody where others were told the same; then whoever waits may look. */
  #rest({ provider, modelName, order }: Attempt, restMs: number): void {
    const { standing } = provider;
    standing.rest(modelName, this.#clock.monotonicMs() + restMs, order.accountId);
    this.#clock.after(restMs, () => {
      standing.touch();
      this.#wakeFor(provider);
    });
  }

  /** Lets somebody look who waits for a slot of this device, whatever connection it has now. */
  #wakeFor({ deviceId }: LiveProvider): void {
    const listed = this.#byDevice.get(deviceId);
    if (listed) this.waitingRoom.slotFreed(listed);
  }

  /** Who is new inherits what the least reliable device of its owner has shown: a name is quickly changed. */
  #standingOf(id: ProviderId, tenantId: TenantId): ProviderStanding {
    const standing = this.#standings.get(id) ?? this.#heirOf(tenantId);
    this.#standings.delete(id);
    this.#standings.set(id, standing);
    forgetOldest(this.#standings, STANDINGS_REMEMBERED);
    return standing;
  }

  #heirOf(tenantId: TenantId): ProviderStanding {
    const standing = new ProviderStanding(tenantId);
    for (const other of this.#standings.values()) {
      const isWorse = other.tenantId === tenantId && isLessTrusted(other.health, standing.health);
      if (isWorse) standing.health = other.health;
    }
    const { health } = standing;
    // Another machine may work where this one doesn't: it is tried at once, by one request.
    if (health.pausedUntilMs !== null)
      standing.health = { ...health, pausedUntilMs: this.#clock.monotonicMs() };
    return standing;
  }

  #count(tenantId: TenantId, more: number): void {
    const count = (this.#countOfTenant.get(tenantId) ?? 0) + more;
    if (count === 0) this.#countOfTenant.delete(tenantId);
    else this.#countOfTenant.set(tenantId, count);
  }

  #enterMarket(offer: Eligible): void {
    const { name } = offer.model;
    const market = this.#markets.get(name) ?? new ModelMarket();
    this.#markets.set(name, market);
    market.add(offer, this.#clock.monotonicMs());
    this.#cheapest = null;
  }

  #leaveMarket(model: string, id: ProviderId): void {
    const market = this.#markets.get(model);
    market?.remove(id);
    this.#cheapest = null;
    if (market?.size === 0) this.#markets.delete(model);
  }

  #remove(provider: LiveProvider): void {
    this.#byDevice.delete(provider.deviceId);
    this.#byId.delete(provider.id);
    this.#count(provider.tenantId, -1);
    for (const { name } of provider.models) this.#leaveMarket(name, provider.id);
  }
}

/** Nobody pays himself, and nobody earns a commission by it. */
function free({ provider, model }: Eligible): Eligible {
  return { provider, model: { ...model, prices: { prompt: 0n, cachedPrompt: 0n, completion: 0n } } };
}

/** A model, and the least that is asked for it, as it is scored. */
export interface CheapModel {
  readonly name: string;
  readonly lowestPrice: number;
}

function byPriceAndName(one: CheapModel, other: CheapModel): number {
  return one.lowestPrice - other.lowestPrice || (one.name < other.name ? -1 : 1);
}

function isLessTrusted(health: ProviderHealth, than: ProviderHealth): boolean {
  if (health.pausedUntilMs !== null && than.pausedUntilMs === null) return true;
  return health.pauses > than.pauses || health.successRate < than.successRate;
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
