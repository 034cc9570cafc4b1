export {
  closedSpendHolds,
  openedSpendHolds,
  type SpendHold,
  spendQuotas,
} from './quota.postgres.ts';
export { dayOf, judgeSpending, monthOf, quotaExceeded, requireLimits } from './rules.ts';
export { createSpendingService, type SpendingService } from './service.ts';
export { createSpendingStore } from './store.postgres.ts';
export type { QuotaRefusal, Spending, SpendLimits } from './types.ts';
