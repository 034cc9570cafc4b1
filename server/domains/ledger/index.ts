export { PLATFORM_TENANT_ID, transferIdFor } from './accounts.ts';
export * from './limits.ts';
export type { LedgerStore, TenantDirectory } from './ports.ts';
export * from './service.ts';
export { createLedgerStore } from './store.postgres.ts';
export type * from './types.ts';
export { LedgerWriter, type LedgerWriterDependencies, type LedgerWriterOptions } from './writer.ts';
