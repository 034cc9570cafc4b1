export { DISPUTES_PAGE_MAX, STATEMENT_CHARACTERS_MAX } from './limits.ts';
export type { DisputeMail } from './ports.ts';
export { createDisputeService, type DisputeService } from './service.ts';
export { createDisputeStore } from './store.postgres.ts';
export * from './types.ts';
