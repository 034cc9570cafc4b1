import type { TenantId } from '../../kernel/ids.ts';
import type {
  BoundOffer,
  DeclaredByOwner,
  Offer,
  ProviderDevice,
  ProviderId,
  ShownByProvider,
} from './types.ts';

/** A provider as the core scores it; see `Candidate` of the core. */
export interface ScoredCandidate {
  readonly price: number;
  readonly quality: number;
  readonly latencyMs: number;
  readonly availability: number;
  readonly fairness: number;
  readonly utilization: number;
}

/** The part of the compute core that knows fair distribution. */
export interface ScoringCore {
  /** Most candidates scored at once. */
  readonly candidatesMax: number;
  /** A column for each value of a candidate, and one for the scores. Whoever scores next overwrites them. */
  readonly candidates: { readonly [Column in keyof ScoredCandidate | 'scores']: Float32Array };
  /** Writes one score each for the first `count` candidates: higher is better, already damped by utilization. */
  scoreBatch(count: number): { readonly ok: true } | { readonly ok: false; readonly reason: string };
}

/** Where offers are kept. */
export interface ProviderStore {
  /** Keeps what a device sells in place of what it sold before. `id` is that of its registration. */
  saveOffer(device: ProviderDevice, offer: Offer, id: ProviderId, nowMs: number): Promise<void>;
}

/** Who has a verified way to be paid. */
export interface PayoutStanding {
  canBePaid(tenantId: TenantId): Promise<boolean>;
}

/** What a device may sell, by its registration. */
export interface SellingTerms {
  /** What the market knows the device by. */
  readonly id: ProviderId;
  /** What its owner says of it. */
  readonly declared: DeclaredByOwner;
  /** What it sells now of what its program announces. */
  bind(announced: Offer, nowMs: number, shown: ShownByProvider): BoundOffer;
}

/** What was registered for devices. */
export interface SellingRegistrations {
  /**
   * The terms of a device that announces an offer; one that nobody registered is registered with what it announces. Refuses with
   * `provider_unregistered`, `registration_refused` and `registered_models_missing` what can't come on the market as it is.
   */
  termsOf(device: ProviderDevice, announced: Offer): Promise<SellingTerms>;
}
