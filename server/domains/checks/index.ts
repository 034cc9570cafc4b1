export type { CheckAsker } from './ports.ts';
export { type CheckService, createCheckService } from './service.ts';
export { createCheckStore } from './store.postgres.ts';
export type * from './types.ts';
