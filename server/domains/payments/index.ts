export type { PaymentStandingStore, PayoutListener } from './ports.ts';
export { createPaymentService, type PaymentDependencies, type PaymentService } from './service.ts';
export { createPaymentStandingStore } from './store.postgres.ts';
export type * from './types.ts';
