export { createKeyStore } from './key-rows.postgres.ts';
export * from './limits.ts';
export { MergedDelta } from './merged-delta.ts';
export type { KeyStore, RequestLedger } from './ports.ts';
export { NO_PREFERENCES, type ProviderPreferences } from './preferences.ts';
export { createSealedAnswers } from './sealed-rows.postgres.ts';
export {
  createRequestService,
  type RequestService,
  type RequestServiceDependencies,
  type RequestServiceOptions,
} from './service.ts';
export type * from './types.ts';
