import type { TenantId } from '../../kernel/ids.ts';
import type { Offer, ProviderDevice, ProviderId } from './types.ts';

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
  /** Keeps an offer in place of the device's earlier one; returns the device's provider id, `newId` for a new one. */
  saveOffer(device: ProviderDevice, offer: Offer, newId: ProviderId, nowMs: number): Promise<ProviderId>;
}

/** Who has a verified way to be paid. */
export interface PayoutStanding {
  canBePaid(tenantId: TenantId): Promise<boolean>;
}
