export { createAnalyticsStore } from './analytics.postgres.ts';
export {
  type AnalyticsAnswer,
  type AnalyticsService,
  type AskedAnalytics,
  createAnalyticsService,
} from './analytics.ts';
export * from './analytics-types.ts';
export * from './limits.ts';
export type { AnalyticsStore, OpenTransactionQuery, TransactionStore } from './ports.ts';
export { findSettled, refundedTransactions } from './refunds.postgres.ts';
export { begunTransactions, endedTransactions, reheldTransactions } from './rows.postgres.ts';
export { createTransactionService, type TransactionService } from './service.ts';
export { createTransactionStore } from './store.postgres.ts';
export type * from './types.ts';
