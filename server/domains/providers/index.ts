export type { Attempt, AttemptListener, AttemptOrder } from './attempt.ts';
export type { ExplainedCandidate, ExplainedChoice } from './choice-log.ts';
export { deltaText, reasoningText, textIn } from './delta-text.ts';
export type { ExplainedModel, ExplainedProvider } from './explain-provider.ts';
export {
  type Capabilities,
  type ComputeTask,
  capableOffers,
  FEATURES,
  type Feature,
  featuresOf,
  itemsOf,
  meetsNeeds,
  type Need,
  PLAIN_CHAT,
} from './features.ts';
export * from './limits.ts';
export type { LiveFigures, LiveWork } from './live-market.ts';
export { type Eligible, scoredPrice } from './model-market.ts';
export { checkOffer } from './offer-rules.ts';
export type { Sale } from './offering.ts';
export type {
  PayoutStanding,
  ProviderStore,
  ScoredCandidate,
  ScoringCore,
  SellingRegistrations,
  SellingTerms,
} from './ports.ts';
export type { CheapModel } from './registry.ts';
export { createProviderService, type ProviderDependencies, type ProviderService } from './service.ts';
export { createProviderStore } from './store.postgres.ts';
export { noProviderAvailable, type OfferRank, type SlotWish } from './take-slot.ts';
export * from './types.ts';
