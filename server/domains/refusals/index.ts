export { createRefusalService, type RefusalService } from './service.ts';
export { createRefusalStore } from './store.postgres.ts';
export type { Refusal } from './types.ts';
