export { PLATFORM_TENANT_ID, transferIdFor } from './accounts.ts';
export {
  type AllowanceService,
  createAllowanceService,
} from './allowances.ts';
export * from './limits.ts';
export type { LedgerStore, TenantDirectory } from './ports.ts';
export {
  type BusinessRow,
  businessRow,
  type GuardedRow,
  type GuardRefusal,
  guardedRow,
  type RowWriter,
} from './row-writer.postgres.ts';
export { freezeEarnings, type PostedEarnings, unfrozenEarnings } from './rows.postgres.ts';
export type { BookingOptions } from './rules.ts';
export * from './service.ts';
export { createLedgerStore } from './store.postgres.ts';
export { readTenantMoney, readTotals } from './totals.postgres.ts';
export type * from './types.ts';
export { CLEARING_PROVIDERS, TENANT_ACCOUNT_KINDS, TRANSFER_KINDS } from './types.ts';
export { LedgerWriter, type LedgerWriterDependencies, type LedgerWriterOptions } from './writer.ts';
