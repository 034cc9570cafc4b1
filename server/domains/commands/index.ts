export { type CommandService, createCommandService } from './service.ts';
