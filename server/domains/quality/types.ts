import type { TenantId } from '../../kernel/ids.ts';

/** Weighted means of what a provider showed, each a share from 0 (worst) to 1 (best). */
export interface ProviderQuality {
  readonly quality: number;
  readonly latency: number;
  readonly availability: number;
  /** The three in the score's proportions. */
  readonly combined: number;
  /** How many requests of this moment the means are worth. */
  readonly weight: number;
  readonly lastTimeMs: number;
}

/** How a request at a provider ended. */
export type ProviderOutcome =
  | { readonly kind: 'completed'; readonly firstTokenMs: number; readonly tokenMs: number }
  /** It did answer, but with what no protocol allows. */
  | { readonly kind: 'malformed' }
  /** It failed, stalled or went away. */
  | { readonly kind: 'unavailable' };

/** A provider's assessment with the tenant its row belongs to. */
export interface AssessedProvider {
  readonly providerId: string;
  readonly tenantId: TenantId;
  readonly quality: ProviderQuality;
}

/** What requesters think of a provider: each account is one voice of 1 to 5 stars. */
export interface ProviderRating {
  readonly voices: number;
  /** The sum of the voices. */
  readonly stars: number;
}

/** What is kept of a provider. */
export interface StoredQuality extends ProviderQuality {
  /** Absent: nobody has rated it. */
  readonly rating?: ProviderRating;
}
