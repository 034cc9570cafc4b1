export type { Attempt, AttemptListener, AttemptOrder } from './attempt.ts';
export { deltaText, reasoningText, textIn } from './delta-text.ts';
export * from './limits.ts';
export type { PayoutStanding, ProviderStore, ScoredCandidate, ScoringCore } from './ports.ts';
export { type Eligible, scoredPrice } from './model-market.ts';
export { createProviderService, type ProviderDependencies, type ProviderService } from './service.ts';
export { createProviderStore } from './store.postgres.ts';
export { noProviderAvailable, type OfferRank, type SlotWish } from './take-slot.ts';
export type * from './types.ts';
