export * from './limits.ts';
export type { ClaimTotals, MarketplaceStore, ScoredCandidate, ScoringCore } from './ports.ts';
export {
  createMarketplaceService,
  type MarketplaceDependencies,
  type MarketplaceOptions,
  type MarketplaceService,
} from './service.ts';
export { createMarketplaceStore } from './store.postgres.ts';
export type * from './types.ts';
