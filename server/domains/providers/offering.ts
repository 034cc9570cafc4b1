import type { DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { QualityService } from '../quality/index.ts';
import { OWN_LIMIT_ASIDE_MS, REFERENCE_PROMPT_TOKENS } from './limits.ts';
import { checkOffer, requireShare } from './offer-rules.ts';
import type { PayoutStanding, ProviderStore, SellingRegistrations, SellingTerms } from './ports.ts';
import type { ProviderRegistry } from './registry.ts';
import type {
  BoundOffer,
  Offer,
  OfferInput,
  ProviderLink,
  ShownByProvider,
  WithheldReason,
} from './types.ts';

/** What devices that come into the list, and leave it, need. */
export interface OfferingDependencies {
  readonly store: ProviderStore;
  readonly registrations: SellingRegistrations;
  readonly payoutStanding: PayoutStanding;
  readonly quality: Pick<QualityService, 'load' | 'assessmentOf'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Whether a device's program is connected, and why it sells nothing now; null: it is on the market. */
export interface Sale {
  readonly isConnected: boolean;
  readonly withheld: WithheldReason | null;
}

/** What a program that is connected announces, and what became of it. */
interface Announced {
  readonly device: DeviceActor;
  readonly link: ProviderLink;
  readonly offer: Offer;
  /** Null: its owner took it off the market. */
  terms: SellingTerms | null;
  withheld: WithheldReason | null;
  /** The models that are on the market, as one text. */
  listed: string;
  /** When it came on the market last, in monotonic milliseconds. */
  listedAtMs: number;
  /** Until when it stays away for what it has shown, in monotonic milliseconds. */
  asideUntilMs: number;
}

/** Reasons that only its owner, its program or an operator can mend: time doesn't. */
const NOT_BY_TIME: ReadonlySet<WithheldReason> = new Set([
  'not_connected',
  'payout_method_missing',
  'limit_reached',
]);

/**
 * How devices come on the market and leave it. What a program announces is kept while it is connected; what of it is sold follows from
 * its registration, and from the hour.
 */
export class Offering {
  readonly #registry: ProviderRegistry;
  readonly #dependencies: OfferingDependencies;
  readonly #announced = new Map<DeviceId, Announced>();
  readonly #closedLinks = new WeakSet<ProviderLink>();
  readonly #turns = new Map<DeviceId, Promise<void>>();
  #payoutLosses = 0;

  constructor(registry: ProviderRegistry, dependencies: OfferingDependencies) {
    this.#registry = registry;
    this.#dependencies = dependencies;
  }

  /** See `ProviderService.offer`. */
  async offer(device: DeviceActor, link: ProviderLink, input: OfferInput): Promise<void> {
    requirePermission(device, 'market.provide');
    const offer = checkOffer(input);
    await this.#inTurn(device.deviceId, async () => {
      const { registrations, quality } = this.#dependencies;
      const terms = await registrations.termsOf(device, offer);
      await quality.load(terms.id, device.tenantId);
      if (this.#registry.isClosed || this.#closedLinks.has(link)) return;
      const before = this.#announced.get(device.deviceId);
      const { listedAtMs = 0, asideUntilMs = 0, withheld = 'not_connected' } = before ?? {};
      const announced = { device, link, offer, terms, withheld, listed: '', listedAtMs, asideUntilMs };
      this.#announced.set(device.deviceId, announced);
      await this.#place(announced);
      if (announced.withheld === 'registration_refused') throw registrationRefused();
      if (announced.withheld === 'models_not_announced') throw registeredModelsMissing();
    });
  }

  /** A device takes no more requests; it finishes those it has. */
  withdraw({ deviceId }: DeviceActor): Promise<void> {
    return this.#inTurn(deviceId, async () => {
      this.#announced.delete(deviceId);
      this.#registry.unlist(deviceId);
    });
  }

  /** See `ProviderService.disconnected`. */
  disconnected(deviceId: DeviceId, link: ProviderLink): void {
    this.#closedLinks.add(link);
    if (this.#announced.get(deviceId)?.link === link) this.#announced.delete(deviceId);
    this.#registry.disconnect(deviceId, link);
  }

  /** See `ProviderService.payoutMethodLost`. */
  payoutMethodLost(tenantId: TenantId): void {
    this.#payoutLosses++;
    this.#registry.unlistTenant(tenantId);
    for (const announced of this.#announced.values()) {
      const isOn = this.#registry.findDevice(announced.device.deviceId) !== null;
      if (announced.device.tenantId !== tenantId || isOn) continue;
      announced.withheld ??= 'payout_method_missing';
    }
  }

  /** See `ProviderService.payoutMethodConfirmed`. */
  async payoutMethodConfirmed(tenantId: TenantId): Promise<void> {
    for (const announced of [...this.#announced.values()]) {
      if (announced.device.tenantId !== tenantId || announced.withheld !== 'payout_method_missing') continue;
      await this.#inTurn(announced.device.deviceId, () => this.#placeQuietly(announced));
    }
  }

  /** A registration has changed: what is sold follows. What runs goes on at the price that it began with. */
  termsChanged(deviceId: DeviceId): Promise<void> {
    return this.#inTurn(deviceId, async () => {
      const announced = this.#announced.get(deviceId);
      if (announced === undefined) return;
      try {
        announced.terms = await this.#dependencies.registrations.termsOf(announced.device, announced.offer);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'provider_unregistered') throw error;
        announced.terms = null;
      }
      announced.asideUntilMs = 0;
      await this.#placeQuietly(announced);
    });
  }

  /** Brings on the market, and takes from it, whom the hour or what they have shown lets. */
  async review(): Promise<void> {
    for (const announced of [...this.#announced.values()]) {
      if (announced.withheld !== null && NOT_BY_TIME.has(announced.withheld)) continue;
      const bound = this.#bind(announced);
      if ((bound.ok ? null : bound.reason) === announced.withheld && listedOf(bound) === announced.listed)
        continue;
      await this.#inTurn(announced.device.deviceId, () => this.#placeQuietly(announced));
    }
  }

  /** How it stands with a device's sale. */
  saleOf(deviceId: DeviceId): Sale {
    const announced = this.#announced.get(deviceId);
    return announced === undefined
      ? { isConnected: false, withheld: 'not_connected' }
      : { isConnected: true, withheld: announced.withheld };
  }

  /** A device's offers, withdrawals and changes take effect in the order in which they came. */
  #inTurn(deviceId: DeviceId, work: () => Promise<void>): Promise<void> {
    const mine = (this.#turns.get(deviceId) ?? Promise.resolve()).then(work);
    const over = mine.then(ignore, ignore).then(() => {
      if (this.#turns.get(deviceId) === over) this.#turns.delete(deviceId);
    });
    this.#turns.set(deviceId, over);
    return mine;
  }

  /** Lists what is sold, or withholds all. Refuses with `payout_method_missing` and `limit_reached`. */
  async #place(announced: Announced): Promise<void> {
    const { device, link, terms } = announced;
    const { store, clock, logger } = this.#dependencies;
    const bound = this.#bind(announced);
    if (!bound.ok || terms === null) {
      this.#withhold(announced, bound.ok ? 'unregistered' : bound.reason);
      return;
    }
    const { offer, isShared } = bound;
    try {
      let losses = this.#payoutLosses;
      if (isShared) await this.#requirePayout(device);
      requireShare(this.#registry.ofTenant(device), offer);
      await store.saveOffer(device, offer, terms.id, clock.nowMs());
      // Who lost it meanwhile was not on the list yet.
      while (isShared && losses !== this.#payoutLosses) {
        losses = this.#payoutLosses;
        await this.#requirePayout(device);
      }
      // Others of its tenant may have come meanwhile.
      requireShare(this.#registry.ofTenant(device), offer);
    } catch (error) {
      if (error instanceof AppError && isWithheldFor(error.code)) this.#withhold(announced, error.code);
      throw error;
    }
    // The device may have left while this was written.
    if (this.#registry.isClosed || this.#announced.get(device.deviceId) !== announced) return;
    this.#registry.list(terms.id, device, link, offer, { isShared, declared: terms.declared });
    announced.withheld = null;
    announced.listed = listedOf(bound);
    announced.listedAtMs = clock.monotonicMs();
    const fields = { operation: 'marketplace.offer', providerId: terms.id, models: offer.models.length };
    logger.info(fields, 'a provider offers');
  }

  /** Refusals are kept as the reason: nobody waits for an answer. */
  async #placeQuietly(announced: Announced): Promise<void> {
    try {
      await this.#place(announced);
    } catch (error) {
      if (!(error instanceof AppError) || !isWithheldFor(error.code)) throw error;
    }
  }

  #withhold(announced: Announced, reason: WithheldReason): void {
    const { device, link } = announced;
    this.#registry.unlist(device.deviceId, link);
    const isOwnLimit = reason === 'quality_below_own_limit' || reason === 'wait_beyond_own_limit';
    if (isOwnLimit && announced.withheld !== reason) {
      announced.asideUntilMs = this.#dependencies.clock.monotonicMs() + OWN_LIMIT_ASIDE_MS;
    }
    announced.withheld = reason;
    announced.listed = '';
  }

  #bind(announced: Announced): BoundOffer {
    const { terms, offer, withheld, asideUntilMs } = announced;
    if (terms === null) return { ok: false, reason: 'unregistered' };
    const { clock } = this.#dependencies;
    if (withheld !== null && clock.monotonicMs() < asideUntilMs) return { ok: false, reason: withheld };
    return terms.bind(offer, clock.nowMs(), this.#shownBy(terms, announced));
  }

  /** What was shown while it was on the market: who comes back is judged anew. */
  #shownBy({ id }: SellingTerms, { withheld, listedAtMs }: Announced): ShownByProvider {
    const standing = this.#registry.findStanding(id);
    return {
      hasWorked: withheld === null && (standing?.givenAtMs ?? Number.NEGATIVE_INFINITY) > listedAtMs,
      quality: this.#dependencies.quality.assessmentOf(id).quality,
      firstTokenMs: (model) => standing?.paceOf(model).firstTextMs(REFERENCE_PROMPT_TOKENS) ?? null,
    };
  }

  async #requirePayout({ tenantId, deviceId }: DeviceActor): Promise<void> {
    if (await this.#dependencies.payoutStanding.canBePaid(tenantId)) return;
    this.#registry.unlist(deviceId);
    throw payoutMethodMissing();
  }
}

function isWithheldFor(code: string): code is 'payout_method_missing' | 'limit_reached' {
  return code === 'payout_method_missing' || code === 'limit_reached';
}

function listedOf(bound: BoundOffer): string {
  return bound.ok ? bound.offer.models.map(({ name }) => name).join(' ') : '';
}

function payoutMethodMissing(): AppError {
  return new AppError(
    'forbidden',
    'payout_method_missing',
    'The owner of this device has no verified way to be paid, so it is not listed. An operator confirms one with PUT ' +
      '/api/v1/admin/payment-standing/<user id> {"canPay": true, "canBePaid": true}; then offer again.',
  );
}

function registrationRefused(): AppError {
  return new AppError(
    'forbidden',
    'registration_refused',
    'An operator refused the registration of this device; GET /api/v1/marketplace/providers/<device id> says why.',
  );
}

function registeredModelsMissing(): AppError {
  return new AppError(
    'conflict',
    'registered_models_missing',
    'None of the models that are announced is registered for this device: register them, or announce those that are.',
  );
}

function ignore(): void {}
