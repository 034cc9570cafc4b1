export { type CommandService, createCommandService } from './service.ts';
export { createCommandLogStore } from './store.postgres.ts';
export type { LoggedCommand } from './types.ts';
