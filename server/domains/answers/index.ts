export * from './limits.ts';
export { type AnswerService, createAnswerService } from './service.ts';
export { createAnswerStore, endedAnswers } from './store.postgres.ts';
export type * from './types.ts';
