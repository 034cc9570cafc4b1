export type { LiveFigures, LiveTenants } from './ports.ts';
export { type AdministrationService, createAdministrationService } from './service.ts';
export { createSuspensionStore } from './suspensions.postgres.ts';
export {
  createSuspensionService,
  SuspendedTenants,
  type SuspensionService,
  tenantSuspended,
} from './suspensions.ts';
export {
  type FollowedEntry,
  LOG_LEVELS,
  type LogEntry,
  type LogFilter,
  type ServerFigures,
  type Suspension,
} from './types.ts';
