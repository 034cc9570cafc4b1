export * from './limits.ts';
export { ratedProviders } from './rows.postgres.ts';
export {
  createQualityService,
  type QualityCore,
  type QualityDependencies,
  type QualityService,
  type QualityStore,
} from './service.ts';
export { createQualityStore } from './store.postgres.ts';
export type * from './types.ts';
