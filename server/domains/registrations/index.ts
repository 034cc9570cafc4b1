export { WEEKDAYS, type WeeklyHours } from './hours.ts';
export { NOTE_CHARACTERS_MAX, RETENTION_DAYS_MAX, WAIT_SECONDS_MAX, WEEKLY_TIMES_MAX } from './limits.ts';
export type { Approval } from './rules.ts';
export {
  createRegistrationService,
  type RegistrationService,
  type RegistrationToDecide,
} from './service.ts';
export { createRegistrationStore } from './store.postgres.ts';
export * from './types.ts';
