export { createKeyStore } from './key-rows.postgres.ts';
export * from './limits.ts';
export { MergedDelta } from './merged-delta.ts';
export type { KeyStore, RequestLedger, SettingsStore } from './ports.ts';
export { NO_PREFERENCES, type ProviderPreferences } from './preferences.ts';
export { createSealedAnswers } from './sealed-rows.postgres.ts';
export {
  createRequestService,
  type RequestService,
  type RequestServiceDependencies,
  type RequestServiceOptions,
} from './service.ts';
export { createSettingsStore } from './settings.postgres.ts';
export { NO_SETTINGS, type RequestSettings } from './settings.ts';
export { createRequestSettingsService, type RequestSettingsService } from './settings-service.ts';
export type * from './types.ts';
