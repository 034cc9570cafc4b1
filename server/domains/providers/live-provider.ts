import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { HEALTHY, type ProviderHealth, trustOf } from './health.ts';
import { CLAIM_RATIO_MAX, CLAIM_TOKENS_MIN, DEBT_HALF_LIFE_MS } from './limits.ts';
import { ProviderPace, type RunningRequest } from './pace.ts';
import type { ModelOffer, Offer, ProviderId, ProviderLink } from './types.ts';

/** What a provider has shown, and what it works on. Outlives its connection and its offer. */
export class ProviderStanding {
  /** Requests it works on, given to it under whatever offer. */
  readonly running = new Set<RunningRequest>();
  /** The request that decides whether it comes back from a pause. */
  probe: RunningRequest | null = null;
  readonly pace = new ProviderPace();
  health: ProviderHealth = HEALTHY;
  #debtTokens = 0;
  #debtAtMs = 0;
  #claimedTokens = 0;
  #countedTokens = 0;

  /** Tokens it was given lately: half of it is forgotten every minute. */
  debtTokens(nowMs: number): number {
    return this.#debtTokens * 2 ** (-(nowMs - this.#debtAtMs) / DEBT_HALF_LIFE_MS);
  }

  /** Adds tokens it was given, or takes back (negative) what it was expected to do and didn't. */
  addDebt(tokens: number, nowMs: number): void {
    this.#debtTokens = Math.max(0, this.debtTokens(nowMs) + tokens);
    this.#debtAtMs = nowMs;
  }

  /** Takes in what it claims and what the server counted. Returns the ratio of both so far, where it is an outlier. */
  observeClaim(claimedTokens: number, countedTokens: number): number | null {
    this.#claimedTokens += claimedTokens;
    this.#countedTokens += countedTokens;
    if (this.#countedTokens < CLAIM_TOKENS_MIN) return null;
    const ratio = this.#claimedTokens / this.#countedTokens;
    return ratio > CLAIM_RATIO_MAX ? ratio : null;
  }
}

/** A provider that is connected now. */
export class LiveProvider {
  readonly id: ProviderId;
  readonly deviceId: DeviceId;
  /** Who is paid. */
  readonly tenantId: TenantId;
  readonly link: ProviderLink;
  readonly standing: ProviderStanding;
  #models = new Map<string, ModelOffer>();
  #slots = 0;

  constructor(
    identity: { id: ProviderId; deviceId: DeviceId; tenantId: TenantId; link: ProviderLink },
    standing: ProviderStanding,
    offer: Offer,
  ) {
    this.id = identity.id;
    this.deviceId = identity.deviceId;
    this.tenantId = identity.tenantId;
    this.link = identity.link;
    this.standing = standing;
    this.replaceOffer(offer);
  }

  get running(): Set<RunningRequest> {
    return this.standing.running;
  }

  get probe(): RunningRequest | null {
    return this.standing.probe;
  }

  set probe(request: RunningRequest | null) {
    this.standing.probe = request;
  }

  get slots(): number {
    return this.#slots;
  }

  get models(): readonly ModelOffer[] {
    return [...this.#models.values()];
  }

  hasFreeSlot(): boolean {
    return this.running.size < this.#slots;
  }

  /** True when the next request could get a slot: a free one, of a provider that isn't put aside. */
  takesRequests(nowMs: number): boolean {
    if (!this.hasFreeSlot()) return false;
    const trust = trustOf(this.standing.health, nowMs);
    return trust === 'ready' || (trust === 'probe' && this.probe === null);
  }

  findModel(name: string): ModelOffer | null {
    return this.#models.get(name) ?? null;
  }

  /** From now on it serves this. Running requests go on. */
  replaceOffer(offer: Offer): void {
    this.#slots = offer.slots;
    this.#models = new Map(offer.models.map((model) => [model.name, model]));
  }

  /** Expected latency in milliseconds; null for one that has shown nothing. */
  latencyMs(nowMs: number): number | null {
    return this.standing.pace.latencyMs(this.running, nowMs);
  }
}
