export type { DropOutlets } from './ports.ts';
export { createDropService, type DropService } from './service.ts';
export { createDropStore } from './store.postgres.ts';
export type { DropCause, DropEnd, DropNotice, Dropped } from './types.ts';
