export * from './limits.ts';
export type { OpenTransactionQuery, TransactionStore } from './ports.ts';
export { begunTransactions, endedTransactions, reheldTransactions } from './rows.postgres.ts';
export { createTransactionService, type TransactionService } from './service.ts';
export { createTransactionStore } from './store.postgres.ts';
export type * from './types.ts';
